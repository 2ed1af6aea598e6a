/**
 * Shifts each row to mean 0, divides it by its standard deviation, then applies a learned gain and
 * shift.
 *
 * Shapes: x [rows, cols], weight [cols], bias [cols] → out [rows, cols].
 *
 * Formula: out_i = (x_i − μ) / √(σ² + eps) · weight_i + bias_i, with μ = mean_j x_j and σ² = mean_j
 * (x_j − μ)².
 *
 * Numerics: f64 accumulation in two passes. The shortcut σ² = mean x² − μ² would cancel where μ is
 * large beside σ. out may be x.
 *
 * Reference: Ba, Kiros & Hinton 2016, Layer Normalization, eq. 3–4.
 */
import type { Floats } from './floats.ts';

export function layerNorm(
  out: Floats,
  x: Floats,
  weight: Floats,
  bias: Floats,
  eps: number,
  rows: number,
  cols: number,
): void {
  for (let row = 0; row < rows; row++) {
    const at = row * cols;
    let sum = 0;
    for (let i = 0; i < cols; i++) sum += x[at + i];
    const mean = sum / cols;
    let sumOfSquares = 0;
    for (let i = 0; i < cols; i++) sumOfSquares += (x[at + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(sumOfSquares / cols + eps);
    for (let i = 0; i < cols; i++) out[at + i] = (x[at + i] - mean) * scale * weight[i] + bias[i];
  }
}
