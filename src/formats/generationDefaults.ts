/** What a model's files say about generating text with it. No perplexity depends on it. */
export interface GenerationDefaults {
  /** Tokens that end a text. */
  readonly endTokenIds: readonly number[];
  /** Where the end tokens are from: `generation_config.json`, `config.json`, `GGUF metadata`. */
  readonly endTokensFrom: string;
  /**
   * How its authors sample, as the file has it: `temperature`, `top_p`. Shown, never applied on its
   * own.
   */
  readonly suggested: Readonly<Record<string, unknown>>;
  /** The file that suggests it. */
  readonly suggestedBy: string | null;
}
