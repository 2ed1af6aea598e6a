/** Text to ids and back. Implementations: tokenizer.json, GGUF metadata, bytes, characters. */
export interface Tokenizer {
  /** What kind it is and where it came from, for `inspect` and error messages. */
  readonly description: string;
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /**
   * Whether the tokenizer itself puts a BOS at the start of a text (its post-processor or
   * `add_bos_token`).
   */
  readonly addsBos: boolean;
  /**
   * Text to ids. Never adds a BOS or EOS: the caller's BOS policy does.
   * @param options.parseSpecial when true (default) the text of a special token such as
   * `<|im_end|>` becomes that token; when false it is plain text.
   */
  encode(text: string, options?: { parseSpecial?: boolean }): number[];
  /** Ids to text. Special tokens are left out unless `keepSpecial`. */
  decode(ids: readonly number[], options?: { keepSpecial?: boolean }): string;
  /**
   * Whether a text may be cut between two characters (code points) that follow each other: the ids
   * of the whole are then those of what is left of the cut and those that the rest has after such a
   * text, whatever else both hold. A tokenizer that cannot tell leaves it out; its texts are
   * encoded as wholes (`encodeStream.ts`).
   */
  cutsBetween?(left: string, right: string): boolean;
  /**
   * UTF-8 bytes that a token stands for: 0 for special tokens. Summed, this is the denominator of
   * bits per byte.
   */
  byteLength(id: number): number;
}
