/**
 * A full forward pass for specs: logits of every position, which measuring perplexity never makes.
 */
import type { Mask } from '../../src/model/mask.ts';
import type { Transformer } from '../../src/model/transformer.ts';

/** ids [B][T] → logits [B·T][V]. */
export async function forward(model: Transformer, ids: readonly Int32Array[], mask: Mask): Promise<Float32Array[]> {
  const x = await model.walk(ids, mask);
  const { rows } = x;
  const logits = await model.logits(x);
  const { vocabSize } = model.config;
  return Array.from({ length: rows }, (_, row) => logits.subarray(row * vocabSize, (row + 1) * vocabSize));
}
