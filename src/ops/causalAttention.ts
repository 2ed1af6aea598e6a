/**
 * Scaled dot-product attention: each query gathers the values of the keys before it, weighted by
 * how well they match.
 *
 * Shapes: q [n·seqLen, H·D], k and v [n·keyLen, K·D] → out [n·seqLen, H·D], for n sequences on top
 * of one another.
 *
 * Formula: out_p = Σ_j softmax_j(q_p · k_j / √D) v_j, head by head. The query in row t of its
 * sequence sits at position p = keyLen − seqLen + t and sees the keys j ≤ p and, with a window W, p
 * − j < W. Grouped queries: query head h reads key/value head ⌊h · K / H⌋.
 *
 * Numerics: scores, weights and sums in f64; one rounding to f32. A sequence's arithmetic never
 * touches another's rows. out must not overlap an input.
 *
 * Reference: Vaswani et al. 2017, §3.2; Ainslie et al. 2023, GQA, §2.2; Jiang et al. 2023, Mistral
 * 7B, §2 (window).
 */
import { dot } from './dot.ts';
import type { Floats } from './floats.ts';
import { softmax } from './softmax.ts';

export interface AttentionSpec {
  numHeads: number;
  numKvHeads: number;
  headDim: number;
  /** Query rows a sequence. */
  seqLen: number;
  /**
   * Key/value rows a sequence, ≥ seqLen; query t of a sequence sits at position keyLen − seqLen +
   * t.
   */
  keyLen: number;
  /** How many keys a query sees, counting its own; null = all before it. */
  window: number | null;
}

export function causalAttention(
  out: Floats,
  q: Floats,
  k: Floats,
  v: Floats,
  sequences: number,
  spec: AttentionSpec,
): void {
  const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
  const [queryWidth, keyWidth] = [numHeads * headDim, numKvHeads * headDim];
  const headsPerKey = numHeads / numKvHeads;
  const weights = new Float64Array(keyLen);
  const mixed = new Float64Array(headDim);
  for (let sequence = 0; sequence < sequences; sequence++) {
    for (let t = 0; t < seqLen; t++) {
      const position = keyLen - seqLen + t;
      const firstKey = window === null ? 0 : Math.max(0, position - window + 1);
      const seen = position - firstKey + 1;
      const firstKeyRow = sequence * keyLen + firstKey;
      for (let head = 0; head < numHeads; head++) {
        const queryAt = (sequence * seqLen + t) * queryWidth + head * headDim;
        // This head of the first key.
        const keyAt = firstKeyRow * keyWidth + Math.floor(head / headsPerKey) * headDim;
        for (let j = 0; j < seen; j++) {
          weights[j] = dot(q, queryAt, k, keyAt + j * keyWidth, headDim) / Math.sqrt(headDim);
        }
        softmax(weights, weights, 1, seen);
        mixed.fill(0);
        for (let j = 0; j < seen; j++) {
          for (let i = 0; i < headDim; i++) mixed[i] += weights[j] * v[keyAt + j * keyWidth + i];
        }
        out.set(mixed, queryAt);
      }
    }
  }
}
