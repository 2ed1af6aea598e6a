/**
 * The sum of squares of each column: how much an input feature carries over a calibration text.
 *
 * Shapes: x [rows, cols] → out [cols].
 *
 * Formula: out_c = Σ_r x[r, c]².
 *
 * Numerics: f64 accumulation in the order of the rows, one rounding. The square of an f32 is exact
 * in f64. out must not overlap x.
 *
 * Reference: Sun et al. 2023, A Simple and Effective Pruning Approach for Large Language Models
 * (Wanda), §3: ‖X_j‖₂²; it is the diagonal of xᵀx (gram.ts).
 */
import type { Floats } from './floats.ts';

export function columnSquares(out: Floats, x: Floats, rows: number, cols: number): void {
  const sums = new Float64Array(cols);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < cols; i++) sums[i] += x[row * cols + i] ** 2;
  }
  out.set(sums);
}
