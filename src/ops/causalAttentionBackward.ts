/**
 * The backward of causalAttention on whole sequences: how the loss moves with each query, key and
 * value.
 *
 * Shapes: dy and q [n·T, H·D], k and v [n·T, K·D] → dq [n·T, H·D], dk and dv [n·T, K·D], for n
 * sequences.
 *
 * Formula: for a query p and the weights w_j = softmax_j(q_p · k_j / √D) of the keys it sees, y =
 * Σ_j w_j v_j. Then dv_j += w_j dy; with a_j = dy · v_j, the score's derivative is e_j = w_j (a_j −
 * Σ_i w_i a_i) / √D; dq = Σ_j e_j k_j and dk_j += e_j q_p. A key/value head gathers from all query
 * heads that read it.
 *
 * Numerics: f64, the weights computed anew; dk and dv add up over query rows first to last and,
 * within a row, heads first to last; one rounding. No output may overlap another array.
 *
 * Reference: Dao et al. 2022, FlashAttention, appendix B.2.
 */
import type { AttentionSpec } from './causalAttention.ts';
import { dot } from './dot.ts';
import type { Floats } from './floats.ts';
import { softmax } from './softmax.ts';

export function causalAttentionBackward(
  dq: Floats,
  dk: Floats,
  dv: Floats,
  dy: Floats,
  q: Floats,
  k: Floats,
  v: Floats,
  sequences: number,
  { numHeads, numKvHeads, headDim, seqLen, window }: Omit<AttentionSpec, 'keyLen'>,
): void {
  const [queryWidth, keyWidth] = [numHeads * headDim, numKvHeads * headDim];
  const headsPerKey = numHeads / numKvHeads;
  const inverseRoot = 1 / Math.sqrt(headDim);
  const weights = new Float64Array(seqLen);
  const slopes = new Float64Array(seqLen);
  const query = new Float64Array(headDim);
  const [keys, values] = [new Float64Array(seqLen * keyWidth), new Float64Array(seqLen * keyWidth)];
  for (let sequence = 0; sequence < sequences; sequence++) {
    const sequenceAt = sequence * seqLen * keyWidth;
    keys.fill(0);
    values.fill(0);
    for (let t = 0; t < seqLen; t++) {
      const firstKey = window === null ? 0 : Math.max(0, t - window + 1);
      const seen = t - firstKey + 1;
      for (let head = 0; head < numHeads; head++) {
        const queryAt = (sequence * seqLen + t) * queryWidth + head * headDim;
        // In this sequence's dk and dv.
        const ownAt = firstKey * keyWidth + Math.floor(head / headsPerKey) * headDim;
        const keyAt = sequenceAt + ownAt;
        for (let j = 0; j < seen; j++) {
          weights[j] = dot(q, queryAt, k, keyAt + j * keyWidth, headDim) * inverseRoot;
        }
        softmax(weights, weights, 1, seen);
        let mean = 0;
        for (let j = 0; j < seen; j++) {
          slopes[j] = dot(dy, queryAt, v, keyAt + j * keyWidth, headDim);
          mean += weights[j] * slopes[j];
        }
        query.fill(0);
        for (let j = 0; j < seen; j++) {
          const slope = weights[j] * (slopes[j] - mean) * inverseRoot;
          for (let i = 0; i < headDim; i++) {
            query[i] += slope * k[keyAt + j * keyWidth + i];
            keys[ownAt + j * keyWidth + i] += slope * q[queryAt + i];
            values[ownAt + j * keyWidth + i] += weights[j] * dy[queryAt + i];
          }
        }
        dq.set(query, queryAt);
      }
    }
    dk.set(keys, sequenceAt);
    dv.set(values, sequenceAt);
  }
}
