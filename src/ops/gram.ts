/**
 * The Gram matrix of the columns of x: what a least-squares fit needs to know of a layer's inputs.
 *
 * Shapes: x [rows, cols] → out [cols, cols].
 *
 * Formula: out = xᵀx, that is out[i, j] = Σ_r x[r, i] · x[r, j].
 *
 * Numerics: f64 accumulation in the order of the rows, one rounding. The product of two f32 is
 * exact in f64, so only the sum rounds. out is symmetric to the bit, and must not overlap x.
 *
 * Reference: Frantar & Alistarh 2023, SparseGPT, §3: the Hessian of ‖WX − ŴX‖² is 2 XXᵀ, with X =
 * xᵀ.
 */
import type { Floats } from './floats.ts';

export function gram(out: Floats, x: Floats, rows: number, cols: number): void {
  const sums = new Float64Array(cols);
  for (let i = 0; i < cols; i++) {
    sums.fill(0);
    for (let row = 0; row < rows; row++) {
      const value = x[row * cols + i];
      for (let j = i; j < cols; j++) sums[j] += value * x[row * cols + j];
    }
    for (let j = i; j < cols; j++) {
      out[i * cols + j] = sums[j];
      out[j * cols + i] = sums[j]; // x_i · x_j is x_j · x_i
    }
  }
}
