import { solveRows } from './cholesky.ts';

/** Steps after which the estimate has nearly always settled; LAPACK takes as many. */
const STEPS = 5;

/**
 * An estimate of ‖A⁻¹‖₁ for a symmetric matrix from its factor (`cholesky`): never more than the
 * norm but for rounding, and seldom less than a fifth of it. It climbs over the corners of the unit
 * ball of the 1-norm, at two solutions a step.
 *
 * Reference: Higham 1988, FORTRAN codes for estimating the one-norm of a real or complex matrix,
 * algorithm 4.1, with its last safeguard.
 */
export function inverseNormEstimate(factor: Float64Array, size: number): number {
  let x = new Float64Array(size).fill(1 / size);
  let estimate = 0;
  for (let step = 0; step < STEPS; step++) {
    solveRows(factor, size, x, 1);
    const norm = sumOfAbsolutes(x);
    if (step > 0 && norm <= estimate) break;
    estimate = norm;
    // The slope of ‖A⁻¹x‖₁ in every direction; A⁻¹ is its own transpose.
    const slope = x.map((value) => (value < 0 ? -1 : 1));
    solveRows(factor, size, slope, 1);
    const steepest = indexOfLargest(slope);
    x = new Float64Array(size);
    x[steepest] = 1;
  }
  // Where terms cancel, the climb can end low; growing numbers of alternating sign do not cancel.
  const alternating = x.map((_, i) => (i % 2 === 0 ? 1 : -1) * (1 + i / Math.max(1, size - 1)));
  solveRows(factor, size, alternating, 1);
  return Math.max(estimate, (2 * sumOfAbsolutes(alternating)) / (3 * size));
}

/** ‖A‖₁ of a symmetric matrix [size, size]: its largest sum of a row's absolute values. */
export function symmetricNorm(matrix: Float64Array, size: number): number {
  let norm = 0;
  for (let at = 0; at < size * size; at += size) norm = Math.max(norm, sumOfAbsolutes(matrix.subarray(at, at + size)));
  return norm;
}

function sumOfAbsolutes(values: Float64Array): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0);
}

function indexOfLargest(values: Float64Array): number {
  let largest = 0;
  for (const [i, value] of values.entries()) if (Math.abs(value) > Math.abs(values[largest])) largest = i;
  return largest;
}
