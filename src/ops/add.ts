/**
 * Adds two arrays element by element: how a block's branch joins the residual stream.
 *
 * Shapes: x [n], y [n] → out [n]; elementwise, so any shape.
 *
 * Formula: out_i = x_i + y_i.
 *
 * Numerics: one f32 rounding; the f64 sum of two f32 rounded to f32 is their correctly rounded f32
 * sum. out may be x or y.
 *
 * Reference: He et al. 2016, Deep Residual Learning, eq. 1.
 */
import type { Floats } from './floats.ts';

export function add(out: Floats, x: Floats, y: Floats, length: number): void {
  for (let i = 0; i < length; i++) out[i] = x[i] + y[i];
}
