/**
 * The backward of linear by its weight and bias. By x it is linear itself, with the weight
 * transposed: dx = dy W.
 *
 * Shapes: dy [rows, outFeatures], x [rows, inFeatures] → dWeight [outFeatures, inFeatures]; dy
 * [rows, cols] → out [cols].
 *
 * Formula: y = x Wᵀ + b, so dW = dyᵀ x, that is dW[o, i] = Σ_r dy[r, o] x[r, i]; db_o = Σ_r dy[r,
 * o], the column sums.
 *
 * Numerics: f64 accumulation in the order of the rows, one rounding. out must not overlap an input.
 *
 * Reference: Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating
 * errors, eq. 6.
 */
import type { Floats } from './floats.ts';

export function linearBackwardWeight(
  dWeight: Floats,
  dy: Floats,
  x: Floats,
  rows: number,
  inFeatures: number,
  outFeatures: number,
): void {
  const sums = new Float64Array(inFeatures);
  for (let feature = 0; feature < outFeatures; feature++) {
    sums.fill(0);
    for (let row = 0; row < rows; row++) {
      const slope = dy[row * outFeatures + feature];
      for (let i = 0; i < inFeatures; i++) sums[i] += slope * x[row * inFeatures + i];
    }
    dWeight.set(sums, feature * inFeatures);
  }
}

export function columnSums(out: Floats, dy: Floats, rows: number, cols: number): void {
  const sums = new Float64Array(cols);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < cols; i++) sums[i] += dy[row * cols + i];
  }
  out.set(sums);
}
