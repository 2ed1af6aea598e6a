/**
 * The correction of one output matrix in closed form: which shape it may have, how strong its ridge
 * is, and whether it is worth having at all.
 */
import { ShapeError } from '../errors.ts';
import { turnWhenDue } from '../model/eventLoop.ts';
import { fitError, type Change, type FitError } from './fitError.ts';
import type { NormalEquations } from './normalEquations.ts';
import { afterBranch, branchOutput } from './replaceMe.ts';
import { solveRidge, type RidgeSolution } from './ridge.ts';

/**
 * - `refit`: any change of the output matrix.
 * - `replaceme`: W T, that is, a linear map T of the branch's own output (`replaceMe.ts`).
 * - `scale`: one number for the whole stream before a cut (`scale.ts`); no fit of a matrix.
 */
export const repairForms = ['refit', 'replaceme', 'scale'] as const;

export type RepairForm = (typeof repairForms)[number];

/** Ridge factors that are tried by default, about 3.2 apart: two to a power of ten. */
export const defaultFactors: readonly number[] = [0.03, 0.1, 0.3, 1, 3, 10];

export interface FitSettings {
  readonly form: RepairForm;
  /** Ridge over the mean diagonal of AᵀA: the grid that is searched, in ascending order. */
  readonly factors: readonly number[];
}

/** Sums of squares per row. */
export interface ErrorPair {
  readonly before: number;
  readonly after: number;
}

/** How a fit went, as it goes into documents. */
export interface FitFigures {
  /** Rows (tokens) the matrix was fitted on, and rows the factor was chosen on. */
  readonly rows: number;
  readonly heldOutRows: number;
  /** The ridge factor; null where the block keeps its weights. */
  readonly factor: number | null;
  /** Why the block keeps its weights; null where it does not. */
  readonly kept: string | null;
  /**
   * An estimate of the condition of AᵀA + λI (1-norm), at the factor taken or, where the weights
   * are kept, at the best one tried; null where nothing could be solved.
   */
  readonly condition: number | null;
  /**
   * Errors on the rows of the fit and on those held out, of the weights that are returned; null
   * where the sums are not finite, or where nothing is held out.
   */
  readonly error: ErrorPair | null;
  readonly heldOut: ErrorPair | null;
}

/** New values in f32, in the layout of the old ones; null where the block keeps its own. */
export interface Fitted {
  readonly figures: FitFigures;
  readonly weight: Float32Array | null;
  readonly bias: Float32Array | null;
}

/** What one factor comes to: new values, how they do, and how well its system was conditioned. */
interface Trial {
  readonly factor: number;
  readonly condition: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array | null;
  readonly change: Change;
  /** On the held-out rows, or on those of the fit where none are held out. */
  readonly error: FitError;
}

/** One output matrix, and the sums it is fitted to and judged by. */
interface Problem {
  readonly sums: NormalEquations;
  readonly heldOut: NormalEquations | null;
  readonly weight: Float32Array;
  readonly bias: Float32Array | null;
  readonly form: RepairForm;
}

/**
 * Fits an output matrix `weight` [outputs, inputs] and its `bias` [outputs], if it has one, to what
 * is missing of its outputs. The ridge factor is the one of the grid whose result does best on the
 * held-out rows, found by a walk downhill from the grid's middle (the upper of two). Without
 * held-out rows the middle is taken untried. All is computed in f64 and rounded to f32 once;
 * errors are those of the rounded values.
 *
 * A correction that does not make the held-out error smaller, by more than the rounding of the sums
 * might pretend, is not taken: the block keeps its weights, and `kept` says why. It also keeps them
 * where the sums are not finite, so that one block whose activations leave f32's range does not end
 * a repair.
 * @throws {ShapeError} if a length or a setting does not fit, or the form is `scale`
 */
export async function fitOutput(
  sums: NormalEquations,
  heldOut: NormalEquations | null,
  weight: Float32Array,
  bias: Float32Array | null,
  { form, factors }: FitSettings,
): Promise<Fitted> {
  const problem: Problem = { sums, heldOut, weight, bias, form };
  checkFit(problem);
  checkSettings(form, factors);
  if (!sums.isFinite || heldOut?.isFinite === false) return keep(problem, null, 'its activations are not finite');
  const features = form === 'replaceme' ? branchOutput(sums, weight) : sums;
  const best = await bestTrial(factors, heldOut !== null, async (factor) => {
    await turnWhenDue();
    const solution = solveRidge(features, factor);
    await turnWhenDue();
    return solution && trialOf(problem, factor, solution);
  });
  if (best === null) return keep(problem, null, 'no ridge of the grid makes its normal equations positive definite');
  const before = squaresOf(heldOut ?? sums);
  // Written so that an error that is not a number is no gain.
  if (!(before - best.error.squares > best.error.rounding)) {
    const rows = heldOut === null ? 'rows of the fit' : 'held-out rows';
    return keep(
      problem,
      best,
      before === 0 ? 'there is nothing to correct' : `its error on the ${rows} does not shrink`,
    );
  }
  const fitted = heldOut === null ? best.error : fitError(sums, best.change);
  return {
    figures: {
      ...rowsOf(problem),
      factor: best.factor,
      kept: null,
      condition: best.condition,
      error: errorPair(sums, fitted.squares),
      heldOut: heldOut && errorPair(heldOut, best.error.squares),
    },
    weight: best.weight,
    bias: best.bias,
  };
}

/**
 * The best trial of a grid: downhill from its middle, first towards weaker ridges, then, if that
 * did not help, towards stronger ones. Unsolvable factors count as the worst.
 */
async function bestTrial(
  factors: readonly number[],
  choose: boolean,
  attempt: (factor: number) => Promise<Trial | null>,
): Promise<Trial | null> {
  const middle = factors.length >> 1;
  const start = await attempt(factors[middle]);
  if (!choose) return start;
  let best = start;
  for (const step of [-1, 1]) {
    for (let at = middle + step; at >= 0 && at < factors.length; at += step) {
      const trial = await attempt(factors[at]);
      if (trial === null || (best !== null && trial.error.squares >= best.error.squares)) break;
      best = trial;
    }
    if (best !== start) break;
  }
  return best;
}

/** The new values for a solution, rounded to f32, and what they change after that. */
function trialOf(problem: Problem, factor: number, { change, condition }: RidgeSolution): Trial {
  const { sums, heldOut, weight, bias, form } = problem;
  const wanted = form === 'replaceme' ? afterBranch(change, weight, sums.shape.outputs) : change;
  const newWeight = Float32Array.from(weight, (value, index) => value + wanted[index]);
  const real = Float64Array.from(newWeight, (value, index) => value - weight[index]);
  const shift = bias && meanShift(sums, real);
  const newBias = bias && shift && Float32Array.from(bias, (value, index) => value + shift[index]);
  const realShift = bias && newBias && Float64Array.from(newBias, (value, index) => value - bias[index]);
  const exact: Change = { weight: real, bias: realShift };
  return {
    factor,
    condition,
    weight: newWeight,
    bias: newBias,
    change: exact,
    error: fitError(heldOut ?? sums, exact),
  };
}

/** The change of the bias that makes the mean error 0: mean R − Δᵀ mean A. */
function meanShift({ shape, rows, inputSums, outputSums }: NormalEquations, change: Float64Array): Float64Array {
  return outputSums.map((sum, output) => {
    let moved = 0;
    for (let i = 0; i < shape.inputs; i++) moved += change[output * shape.inputs + i] * inputSums[i];
    return (sum - moved) / rows;
  });
}

/** The fit of a block that keeps its weights: both errors stay as they are. */
function keep(problem: Problem, best: Trial | null, kept: string): Fitted {
  const { sums, heldOut } = problem;
  const unchanged = (rows: NormalEquations): ErrorPair | null =>
    rows.isFinite ? errorPair(rows, squaresOf(rows)) : null;
  return {
    figures: {
      ...rowsOf(problem),
      factor: null,
      kept,
      condition: best?.condition ?? null,
      error: unchanged(sums),
      heldOut: heldOut && unchanged(heldOut),
    },
    weight: null,
    bias: null,
  };
}

function rowsOf({ sums, heldOut }: Problem): { rows: number; heldOutRows: number } {
  return { rows: sums.rows, heldOutRows: heldOut?.rows ?? 0 };
}

function squaresOf({ squares }: NormalEquations): number {
  return squares.reduce((sum, square) => sum + square, 0);
}

function errorPair(sums: NormalEquations, after: number): ErrorPair {
  return { before: squaresOf(sums) / sums.rows, after: after / sums.rows };
}

function checkFit({ sums, heldOut, weight, bias }: Problem): void {
  const { inputs, outputs } = sums.shape;
  for (const part of [sums, heldOut]) {
    if (part === null) continue;
    const { shape, rows } = part;
    if (shape.inputs !== inputs || shape.outputs !== outputs || shape.bias !== sums.shape.bias) {
      throw new ShapeError('the sums of the fit and of the held-out rows are of different shapes.');
    }
    if (rows === 0) throw new ShapeError('the sums hold no rows.', { remedy: 'Add at least one Gram matrix.' });
  }
  if (weight.length !== outputs * inputs) {
    throw new ShapeError(`a weight [${outputs}, ${inputs}] has ${outputs * inputs} numbers, not ${weight.length}.`);
  }
  if ((bias !== null) !== sums.shape.bias) {
    throw new ShapeError(`the sums are for a fit ${sums.shape.bias ? 'with' : 'without'} a bias.`);
  }
  if (bias !== null && bias.length !== outputs) {
    throw new ShapeError(`a bias [${outputs}] has ${outputs} numbers, not ${bias.length}.`);
  }
}

function checkSettings(form: RepairForm, factors: readonly number[]): void {
  if (form === 'scale') throw new ShapeError('one number for the whole stream is not a fit of an output matrix.');
  const ascending = factors.every((factor, i) => factor > (factors[i - 1] ?? 0) && factor < Infinity);
  if (factors.length === 0 || !ascending) {
    throw new ShapeError(`the ridge factors [${factors.join(', ')}] are not positive numbers in ascending order.`);
  }
}
