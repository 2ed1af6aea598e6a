/**
 * Copies a range of columns: splits GPT-2's fused projection into q, k and v.
 *
 * Shapes: x [rows, cols] → out [rows, to − from].
 *
 * Formula: out[r, c] = x[r, from + c].
 *
 * Numerics: a copy, bit for bit. out must not overlap x.
 *
 * Reference: Radford et al. 2019, GPT-2, whose `c_attn` holds q | k | v side by side.
 */
import type { Floats } from './floats.ts';

export function columns(out: Floats, x: Floats, from: number, to: number, rows: number, cols: number): void {
  for (let row = 0; row < rows; row++) {
    out.set(x.subarray(row * cols + from, row * cols + to), row * (to - from));
  }
}
