/**
 * The backward of gelu, exact and approximate.
 *
 * Shapes: dy, x [n] → dx [n]; elementwise.
 *
 * Formula: `erf`: dx = dy (Φ(x) + x φ(x)), with φ(x) = e^(−x²/2) / √(2π). `tanh`: x σ(2u) with u =
 * √(2/π) (x + 0.044715 x³) has the derivative σ(2u) + 2 x u′ σ(2u) (1 − σ(2u)), u′ = √(2/π) (1 +
 * 0.134145 x²).
 *
 * Numerics: f64, one rounding. dx may be dy or x.
 *
 * Reference: Hendrycks & Gimpel 2016, Gaussian Error Linear Units, §2.
 */
import { erfc } from './erfc.ts';
import type { Floats } from './floats.ts';
import type { GeluKind } from './gelu.ts';

export function geluBackward(dx: Floats, dy: Floats, x: Floats, kind: GeluKind, length: number): void {
  const slope = kind === 'tanh' ? geluTanhSlope : geluErfSlope;
  for (let i = 0; i < length; i++) dx[i] = dy[i] * slope(x[i]);
}

function geluErfSlope(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

function geluTanhSlope(x: number): number {
  const root = Math.sqrt(2 / Math.PI);
  const open = 1 / (1 + Math.exp(-2 * root * (x + 0.044715 * x ** 3)));
  return open + 2 * x * root * (1 + 3 * 0.044715 * x * x) * open * (1 - open);
}
