/**
 * The gated activation of the SwiGLU MLP: one projection decides how much of the other passes.
 *
 * Shapes: gate [n], up [n] → out [n]; elementwise, so any shape.
 *
 * Formula: out_i = silu(gate_i) · up_i, with silu(x) = x · σ(x) = x / (1 + e^(−x)).
 *
 * Numerics: f64, one rounding to f32. out may be gate or up. Far below zero e^(−x) overflows to ∞
 * and silu to −0, its limit.
 *
 * Reference: Shazeer 2020, GLU Variants Improve Transformer, eq. 6; Elfwing, Uchibe & Doya 2017
 * (silu).
 */
import type { Floats } from './floats.ts';

export function swiglu(out: Floats, gate: Floats, up: Floats, length: number): void {
  for (let i = 0; i < length; i++) out[i] = silu(gate[i]) * up[i];
}

/** x · σ(x), in f64. */
export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}
