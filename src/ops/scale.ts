/**
 * Multiplies every element by one factor: a LoRA adapter's alpha / r. Its backward is itself, with
 * the same factor.
 *
 * Shapes: x [n] → out [n]; elementwise, so any shape.
 *
 * Formula: out_i = factor · x_i.
 *
 * Numerics: f64, one rounding. out may be x.
 *
 * Reference: the BLAS Level 1 routine `scal`.
 */
import type { Floats } from './floats.ts';

export function scale(out: Floats, x: Floats, factor: number, length: number): void {
  for (let i = 0; i < length; i++) out[i] = factor * x[i];
}
