/**
 * Divides each row by its root mean square and scales it by a learned gain.
 *
 * Shapes: x [rows, cols], weight [cols] → out [rows, cols].
 *
 * Formula: out_i = x_i / √(mean_j x_j² + eps) · weight_i.
 *
 * Numerics: f64 accumulation. out may be x: a row is read in full before it is written.
 *
 * Reference: Zhang & Sennrich 2019, Root Mean Square Layer Normalization, eq. 4.
 */
import type { Floats } from './floats.ts';

export function rmsNorm(out: Floats, x: Floats, weight: Floats, eps: number, rows: number, cols: number): void {
  for (let row = 0; row < rows; row++) {
    const at = row * cols;
    let sumOfSquares = 0;
    for (let i = 0; i < cols; i++) sumOfSquares += x[at + i] ** 2;
    const scale = 1 / Math.sqrt(sumOfSquares / cols + eps);
    for (let i = 0; i < cols; i++) out[at + i] = x[at + i] * scale * weight[i];
  }
}
