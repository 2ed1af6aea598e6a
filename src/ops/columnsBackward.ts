/**
 * The backward of columns: puts the derivative back in its place among zeros.
 *
 * Shapes: dy [rows, width] → dx [rows, cols], width ≤ cols − from.
 *
 * Formula: dx[r, from + c] = dy[r, c]; the other columns are 0.
 *
 * Numerics: a copy, bit for bit. dx must not overlap dy.
 *
 * Reference: Radford et al. 2019, GPT-2, whose `c_attn` holds q | k | v side by side.
 */
import type { Floats } from './floats.ts';

export function columnsBackward(dx: Floats, dy: Floats, from: number, width: number, rows: number, cols: number): void {
  dx.fill(0);
  for (let row = 0; row < rows; row++) dx.set(dy.subarray(row * width, (row + 1) * width), row * cols + from);
}
