/**
 * The backward of layerNorm.
 *
 * Shapes: dy [rows, cols], x [rows, cols], weight [cols] → dx [rows, cols], dWeight [cols], dBias
 * [cols].
 *
 * Formula: with z = (x − μ) s, s = 1 / √(σ² + eps) and g_i = dy_i weight_i: dx_i = s (g_i − mean_j
 * g_j − z_i · mean_j g_j z_j); dWeight_i = Σ_rows dy_i z_i; dBias_i = Σ_rows dy_i.
 *
 * Numerics: f64 accumulation, mean and variance in two passes as forward; dWeight and dBias in the
 * order of the rows. dx may be dy.
 *
 * Reference: Ba, Kiros & Hinton 2016, Layer Normalization, eq. 3–4; Ioffe & Szegedy 2015, Batch
 * Normalization, §3.
 */
import type { Floats } from './floats.ts';

export function layerNormBackward(
  dx: Floats,
  dWeight: Floats,
  dBias: Floats,
  dy: Floats,
  x: Floats,
  weight: Floats,
  eps: number,
  rows: number,
  cols: number,
): void {
  const gains = new Float64Array(cols);
  const shifts = new Float64Array(cols);
  const z = new Float64Array(cols);
  for (let row = 0; row < rows; row++) {
    const at = row * cols;
    let sum = 0;
    for (let i = 0; i < cols; i++) sum += x[at + i];
    const mean = sum / cols;
    let sumOfSquares = 0;
    for (let i = 0; i < cols; i++) sumOfSquares += (x[at + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(sumOfSquares / cols + eps);
    let slope = 0;
    let product = 0;
    for (let i = 0; i < cols; i++) {
      z[i] = (x[at + i] - mean) * scale;
      slope += dy[at + i] * weight[i];
      product += dy[at + i] * weight[i] * z[i];
    }
    for (let i = 0; i < cols; i++) {
      gains[i] += dy[at + i] * z[i];
      shifts[i] += dy[at + i];
      dx[at + i] = scale * (dy[at + i] * weight[i] - slope / cols - (z[i] * product) / cols);
    }
  }
  dWeight.set(gains);
  dBias.set(shifts);
}
