/**
 * The backward of rmsNorm.
 *
 * Shapes: dy [rows, cols], x [rows, cols], weight [cols] → dx [rows, cols], dWeight [cols].
 *
 * Formula: with s = 1 / √(mean_j x_j² + eps) and g_i = dy_i weight_i: dx_i = s g_i − s³ x_i ·
 * mean_j g_j x_j, and dWeight_i = Σ_rows dy_i x_i s. The second term of dx takes out what only
 * lengthens the row.
 *
 * Numerics: f64 accumulation, dWeight in the order of the rows. dx may be dy.
 *
 * Reference: Zhang & Sennrich 2019, Root Mean Square Layer Normalization, §4.2.
 */
import type { Floats } from './floats.ts';

export function rmsNormBackward(
  dx: Floats,
  dWeight: Floats,
  dy: Floats,
  x: Floats,
  weight: Floats,
  eps: number,
  rows: number,
  cols: number,
): void {
  const gains = new Float64Array(cols);
  for (let row = 0; row < rows; row++) {
    const at = row * cols;
    let sumOfSquares = 0;
    let product = 0;
    for (let i = 0; i < cols; i++) {
      sumOfSquares += x[at + i] ** 2;
      product += dy[at + i] * weight[i] * x[at + i];
    }
    const scale = 1 / Math.sqrt(sumOfSquares / cols + eps);
    const along = (scale ** 3 * product) / cols;
    for (let i = 0; i < cols; i++) {
      gains[i] += dy[at + i] * x[at + i] * scale;
      dx[at + i] = scale * dy[at + i] * weight[i] - along * x[at + i];
    }
  }
  dWeight.set(gains);
}
