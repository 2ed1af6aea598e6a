/**
 * Multiplies each row by a weight matrix and adds a bias: every projection of the model, from q to
 * the LM head.
 *
 * Shapes: x [rows, inFeatures], weight [outFeatures, inFeatures], bias [outFeatures] or null → out
 * [rows, outFeatures].
 *
 * Formula: out = x Wᵀ + b, so that out[r, o] = Σ_i x[r, i] W[o, i] + b_o. Both factors are walked
 * along their rows.
 *
 * Numerics: f64 accumulation, bias last, one rounding to f32. out must not overlap an input.
 *
 * Reference: torch.nn.Linear, whose weights are stored [out, in]; BLAS Level 3 `gemm` with the
 * second factor transposed.
 */
import { dot } from './dot.ts';
import type { Floats } from './floats.ts';

export function linear(
  out: Floats,
  x: Floats,
  weight: Floats,
  bias: Floats | null,
  rows: number,
  inFeatures: number,
  outFeatures: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let feature = 0; feature < outFeatures; feature++) {
      const sum = dot(x, row * inFeatures, weight, feature * inFeatures, inFeatures);
      out[row * outFeatures + feature] = bias === null ? sum : sum + bias[feature];
    }
  }
}
