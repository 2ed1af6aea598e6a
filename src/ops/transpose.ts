/**
 * Turns a matrix on its side, for products with a weight the other way round.
 *
 * Shapes: x [rows, cols] → out [cols, rows].
 *
 * Formula: out[c, r] = x[r, c].
 *
 * Numerics: a copy, bit for bit. out must not overlap x.
 *
 * Reference: the BLAS-like extension `omatcopy`.
 */
import type { Floats } from './floats.ts';

export function transpose(out: Floats, x: Floats, rows: number, cols: number): void {
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) out[col * rows + row] = x[row * cols + col];
  }
}
