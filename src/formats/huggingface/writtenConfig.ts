import type { ModelConfig } from '../../model/config.ts';

/** `null` means what the family does by default, which may be to tie. */
const TIES = /("tie_word_embeddings"\s*:\s*)(?:true|null)\b/g;

/**
 * config.json as it is written beside weights of ours. It says of the head what is so: a program
 * that read `tie_word_embeddings: true` would compute with the embedding and never look at the head
 * that is there. Everything else stays as it stands, to the letter.
 * @param text the model's config.json.
 * @param config what the weights are written with.
 */
export function writtenConfig(text: string, config: ModelConfig): string {
  if (config.tieWordEmbeddings) return text;
  if (text.includes('"tie_word_embeddings"')) return text.replace(TIES, '$1false');
  return text.replace('{', '{\n  "tie_word_embeddings": false,');
}
