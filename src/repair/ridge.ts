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
import type { FitSums } from './normalEquations.ts';

/** AᵀA + λ I [inputs, inputs], centred where there is a bias, as its Cholesky factor. */
export interface RidgeSystem {
  readonly factor: Float64Array;
  readonly lambda: number;
  /** Its norm before it was factorised: the largest sum of a row's absolute values. */
  readonly norm: number;
}

/**
 * The system of a ridge, or null where AᵀA + λ I is not positive definite as f64 sees it: where all
 * inputs are 0, or λ is too small beside what the sums were rounded by. The latter cannot be while
 * the ridge factor is over 2⁻²⁴ times the number of inputs, but for a bias, whose centring takes
 * away of the diagonal and leaves the rounding.
 */
export function ridgeSystem(sums: FitSums, ridge: number): RidgeSystem | null {
  const { inputs } = sums.shape;
  const matrix = centred(sums, sums.gram, sums.inputSums);
  const lambda = ridge * meanDiagonal(matrix, inputs);
  for (let i = 0; i < inputs; i++) matrix[i * inputs + i] += lambda;
  const norm = symmetricNorm(matrix, inputs);
  return cholesky(matrix, inputs) ? { factor: matrix, lambda, norm } : null;
}

/** Δᵀ [outputs, inputs] for the outputs of `sums`, whose inputs are those of the system. */
export function solveRidge(system: RidgeSystem, sums: FitSums): Float64Array {
  const change = centred(sums, sums.cross, sums.outputSums);
  solveRows(system.factor, sums.shape.inputs, change, sums.shape.outputs);
  return change;
}

/** An estimate of the system's condition in the 1-norm, within a small factor. */
export function conditionOf({ factor, norm }: RidgeSystem): number {
  return norm * inverseNormEstimate(factor, Math.sqrt(factor.length));
}

/**
 * A copy of sums of products of something with A, [count, inputs], less the products of the means
 * where there is a bias.
 */
function centred({ shape, rows, inputSums }: FitSums, products: Float64Array, sums: Float64Array): Float64Array {
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
