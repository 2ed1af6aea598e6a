/**
 * The smooth gate of GPT-2's MLP: each number times the probability that a standard normal one lies
 * below it.
 *
 * Shapes: x [n] → out [n]; elementwise, so any shape.
 *
 * Formula: `erf`, the exact one: x Φ(x) = x/2 · (1 + erf(x/√2)) = x/2 · erfc(−x/√2). `tanh`,
 * GPT-2's approximation (gelu_new): x/2 · (1 + tanh u) = x / (1 + e^(−2u)), with u = √(2/π) (x +
 * 0.044715 x³). The right-hand forms are used: those with `1 +` lose all digits where x is far
 * below zero.
 *
 * Numerics: f64, one rounding to f32. out may be x.
 *
 * Reference: Hendrycks & Gimpel 2016, Gaussian Error Linear Units, §2.
 */
import { erfc } from './erfc.ts';
import type { Floats } from './floats.ts';

export type GeluKind = 'tanh' | 'erf';

export function gelu(out: Floats, x: Floats, kind: GeluKind, length: number): void {
  const activation = kind === 'tanh' ? geluTanh : geluErf;
  for (let i = 0; i < length; i++) out[i] = activation(x[i]);
}

/** x Φ(x), in f64. */
export function geluErf(x: number): number {
  return 0.5 * x * erfc(-x * Math.SQRT1_2);
}

/** GPT-2's tanh approximation of x Φ(x), in f64; at most 5·10⁻⁴ away from it. */
export function geluTanh(x: number): number {
  const u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
  return x / (1 + Math.exp(-2 * u));
}
