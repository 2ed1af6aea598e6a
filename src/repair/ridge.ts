/**
 * Ridge regression from normal equations: the change of an output matrix that brings its outputs as
 * close to what is missing as it can, at a price on the size of the change.
 *
 *   Δ = (AᵀA + λ I)⁻¹ AᵀR,   λ = factor × mean diagonal of AᵀA,
 *
 * which makes ‖R − A Δ‖² + λ‖Δ‖² smallest. As λ grows, Δ shrinks to nothing. With a bias, the sums
 * are centred first, so that the mean of R costs nothing.
 *
 * Reference: Hoerl & Kennard 1970, Ridge regression.
 */
import { cholesky, solveRows } from './cholesky.ts';
import { inverseNormEstimate, symmetricNorm } from './condition.ts';
import type { NormalEquations } from './normalEquations.ts';

export interface RidgeSolution {
  /** Δᵀ [outputs, inputs]. */
  readonly change: Float64Array;
  /** An estimate of the condition of AᵀA + λ I in the 1-norm, within a small factor. */
  readonly condition: number;
}

/**
 * Solves for Δ. Where AᵀA + λ I is not positive definite as f64 sees it, there is no solution: λ is
 * too small beside what the sums were rounded by. That cannot be while the factor is over 2⁻²⁴
 * times the number of inputs (but for a bias's centring, which takes away of the diagonal).
 */
export function solveRidge(sums: NormalEquations, factor: number): RidgeSolution | null {
  const { inputs, outputs } = sums.shape;
  const matrix = centred(sums, sums.gram, sums.inputSums);
  const lambda = factor * meanDiagonal(matrix, inputs);
  for (let i = 0; i < inputs; i++) matrix[i * inputs + i] += lambda;
  const norm = symmetricNorm(matrix, inputs);
  if (!cholesky(matrix, inputs)) return null;
  const change = centred(sums, sums.cross, sums.outputSums);
  solveRows(matrix, inputs, change, outputs);
  return { change, condition: norm * inverseNormEstimate(matrix, inputs) };
}

/**
 * A copy of sums of products of something with A, [count, inputs], less the product of the means
 * where there is a bias.
 */
function centred(
  { shape, rows, inputSums }: NormalEquations,
  products: Float64Array,
  sums: Float64Array,
): Float64Array {
  const copy = products.slice();
  if (!shape.bias) return copy;
  for (const [index, sum] of sums.entries()) {
    const mean = sum / rows;
    for (let i = 0; i < shape.inputs; i++) copy[index * shape.inputs + i] -= mean * inputSums[i];
  }
  return copy;
}

function meanDiagonal(matrix: Float64Array, size: number): number {
  let trace = 0;
  for (let i = 0; i < size; i++) trace += matrix[i * size + i];
  return trace / size;
}
