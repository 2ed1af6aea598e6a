/**
 * Ids of special tokens in GGUF metadata that no token has: −1 for none in some files, or a
 * converter's mistake.
 */
import type { GgufValue } from './valueTypes.ts';

const idKey = /^tokenizer\.ggml\.\w+_token_id$/;

/**
 * The metadata without ids that lie outside the vocabulary, and what was left out: `bos_token_id
 * 4294967295`.
 * @param vocabSize rows of the embedding.
 */
export function withoutIdsOutside(
  metadata: ReadonlyMap<string, GgufValue>,
  vocabSize: number,
): { metadata: ReadonlyMap<string, GgufValue>; idsOutside: string[] } {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const size = Array.isArray(tokens) ? Math.min(vocabSize, tokens.length) : vocabSize;
  const outside = [...metadata].filter(([key, value]) => {
    const isNumber = typeof value === 'number' || typeof value === 'bigint';
    return idKey.test(key) && isNumber && (value < 0 || value >= size);
  });
  const dropped = new Set(outside.map(([key]) => key));
  return {
    metadata: new Map([...metadata].filter(([key]) => !dropped.has(key))),
    idsOutside: outside.map(([key, value]) => `${key.replace('tokenizer.ggml.', '')} ${String(value)}`),
  };
}
