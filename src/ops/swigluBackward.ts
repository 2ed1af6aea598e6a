/**
 * The backward of swiglu.
 *
 * Shapes: dy, gate, up [n] → dGate, dUp [n]; elementwise.
 *
 * Formula: dGate = dy · up · silu′(gate) and dUp = dy · silu(gate), with silu′(x) = σ(x) (1 + x (1
 * − σ(x))).
 *
 * Numerics: f64, one rounding. dGate may be gate, dUp may be up, either may be dy if the other is
 * not.
 *
 * Reference: Elfwing, Uchibe & Doya 2017, Sigmoid-weighted linear units, eq. 3 (silu′).
 */
import type { Floats } from './floats.ts';

export function swigluBackward(dGate: Floats, dUp: Floats, dy: Floats, gate: Floats, up: Floats, length: number): void {
  for (let i = 0; i < length; i++) {
    const [slope, x, factor] = [dy[i], gate[i], up[i]];
    const open = 1 / (1 + Math.exp(-x));
    dGate[i] = slope * factor * open * (1 + x * (1 - open));
    dUp[i] = slope * x * open;
  }
}
