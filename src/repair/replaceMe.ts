/**
 * ReplaceMe's form of a correction: a linear map T on the branch's own output M = A W instead of
 * any change of W, so that W becomes W T.
 *
 * The published method finds T = (MᵀM + α I)⁻¹ Mᵀ(H* − H + M), whose ridge draws T towards zero, so
 * that a strong one deletes the branch. Here T = I + X with X = (MᵀM + λ I)⁻¹ Mᵀ(H* − H): the ridge
 * draws T towards the identity, and a strong one changes nothing. Without a ridge both are the
 * same. What W T can reach is part of what any change of W can, so the error of `refit` is never
 * larger on the rows of the fit.
 *
 * Reference: Shopkhoev et al. 2025, ReplaceMe: Network Simplification via Depth Pruning and
 * Transformer Block Linearization, §3.
 */
import type { FitSums } from './normalEquations.ts';
import { productOf } from './product.ts';

/**
 * The normal equations of M = A W, which need no further sums over rows: MᵀM = WᵀAᵀA W,
 * MᵀR = Wᵀ AᵀR, and Σ M = Wᵀ Σ A. `weight` is Wᵀ [outputs, inputs].
 */
export function branchOutput(sums: FitSums, weight: Float32Array): FitSums {
  const { inputs, outputs, bias } = sums.shape;
  const wide = Float64Array.from(weight);
  return {
    shape: { inputs: outputs, outputs, bias },
    rows: sums.rows,
    gram: productOf(productOf(wide, sums.gram, inputs), wide, inputs),
    cross: productOf(sums.cross, wide, inputs),
    inputSums: productOf(wide, sums.inputSums, inputs),
    outputSums: sums.outputSums,
  };
}

/** What W X adds to W: (W X)ᵀ = Xᵀ Wᵀ [count, inputs], from Xᵀ [count, outputs]. */
export function afterBranch(map: Float64Array, weight: Float32Array, outputs: number): Float64Array {
  const inputs = weight.length / outputs;
  const transposed = new Float64Array(weight.length);
  for (let output = 0; output < outputs; output++) {
    for (let i = 0; i < inputs; i++) transposed[i * outputs + output] = weight[output * inputs + i];
  }
  return productOf(map, transposed, outputs);
}
