/** The forms that the correction of an output matrix can have. */
import type { Change } from './fitError.ts';
import type { FitSums } from './normalEquations.ts';
import { afterBranch, branchOutput } from './replaceMe.ts';

/** A least-squares problem whose solution is a correction, after `spread`. */
export interface Correction {
  /** Over the inputs of the output matrix. */
  readonly sums: FitSums;
  /** Over what the least-squares problem is in. */
  readonly features: FitSums;
  /** The change of the output matrix [count, inputs] for a solution [count, features]. */
  spread(solution: Float64Array): Float64Array;
}

/** A correction of the output matrix `weight` [outputs, inputs]; see `repairForms` (`fit.ts`). */
export function correctionOf(form: 'refit' | 'replaceme', sums: FitSums, weight: Float32Array): Correction {
  if (form === 'refit') return { sums, features: sums, spread: (solution) => solution };
  return {
    sums,
    features: branchOutput(sums, weight),
    spread: (solution) => afterBranch(solution, weight, sums.shape.outputs),
  };
}

/** The change for a solution whose outputs are those of `sums`, with its bias if there is one. */
export function changeOf(correction: Correction, sums: FitSums, solution: Float64Array): Change {
  const weight = correction.spread(solution);
  return { weight, bias: sums.shape.bias ? meanShift(sums, weight) : null };
}

/** The change of the bias that makes the mean error 0: mean R − Δᵀ mean A. */
export function meanShift({ shape, rows, inputSums, outputSums }: FitSums, change: Float64Array): Float64Array {
  return outputSums.map((sum, output) => {
    let moved = 0;
    for (let i = 0; i < shape.inputs; i++) moved += change[output * shape.inputs + i] * inputSums[i];
    return (sum - moved) / rows;
  });
}
