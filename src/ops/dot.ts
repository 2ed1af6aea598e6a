/**
 * The dot product of two stretches of arrays: the one inner loop of linear, causalAttention and
 * nll.
 *
 * Shapes: x from xAt, y from yAt, `length` elements each → a number.
 *
 * Formula: Σ_i x_i y_i.
 *
 * Numerics: f64, added up from the first element to the last. A product of two f32 is exact in f64,
 * so only the sum rounds. Nothing is written, so x and y may be one array.
 *
 * Reference: the BLAS Level 1 routine `dsdot` (f32 in, f64 out).
 */
import type { Floats } from './floats.ts';

export function dot(x: Floats, xAt: number, y: Floats, yAt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += x[xAt + i] * y[yAt + i];
  return sum;
}
