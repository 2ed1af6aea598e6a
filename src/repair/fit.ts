/**
 * The correction of one output matrix in closed form: how strong its ridge is, and whether it is
 * worth having at all.
 */
import { ShapeError } from '../errors.ts';
import { turnWhenDue } from '../model/eventLoop.ts';
import { changeOf, correctionOf, meanShift } from './correction.ts';
import { errorAfter, errorBefore, errorRounding, type Change } from './fitError.ts';
import type { NormalEquations } from './normalEquations.ts';
import { conditionOf, solveRidge } from './ridge.ts';
import { chooseRidge } from './ridgeChoice.ts';

/**
 * - `refit`: any change of the output matrix.
 * - `replaceme`: W T, a linear map T after the branch's own output (`replaceMe.ts`).
 * - `scale`: one number for the whole stream before a cut (`scale.ts`); no fit of a matrix.
 */
export const repairForms = ['refit', 'replaceme', 'scale'] as const;

export type RepairForm = (typeof repairForms)[number];

/**
 * Ridge factors that are tried by default: 1 and its neighbours, about 3.2 apart. Weaker ones fit
 * the noise of few rows, and a block's own held-out error does not show all that this costs the
 * blocks after it. On a pruned SmolLM2-135M, calibrated on 4,096 tokens, a factor of 1 for every
 * block gave a held-out perplexity of 58.3 on WikiText-2 and of 78.8 on tinyshakespeare; a choice
 * from 0.03 to 10 gave 58.9 and 81.6.
 */
export const defaultFactors: readonly number[] = [0.3, 1, 3];

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
   * An estimate of the condition of AᵀA + λI (1-norm), also where its solution was not taken; null
   * where there is none.
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

/** One output matrix, and the sums it is fitted to and judged by. */
interface Problem {
  readonly sums: NormalEquations;
  readonly heldOut: NormalEquations | null;
  readonly weight: Float32Array;
  readonly bias: Float32Array | null;
}

/**
 * Fits an output matrix `weight` [outputs, inputs] and its `bias` [outputs], if it has one, to what
 * is missing of its outputs. The ridge factor is the one of the grid that does best on the held-out
 * rows (`chooseRidge`). All is computed in f64 and rounded to f32 once; errors are those of the
 * rounded values.
 *
 * A correction that does not make the held-out error smaller, by more than the rounding of the sums
 * might pretend, is not taken: the block keeps its weights, and `kept` says why. Without held-out
 * rows the rows of the fit take their place. A block also keeps its weights where sums are not
 * finite, so that one whose activations leave f32's range does not end a repair.
 * @throws {ShapeError} if a length or a setting does not fit, or the form is `scale`
 */
export async function fitOutput(
  sums: NormalEquations,
  heldOut: NormalEquations | null,
  weight: Float32Array,
  bias: Float32Array | null,
  { form, factors }: FitSettings,
): Promise<Fitted> {
  const problem: Problem = { sums, heldOut, weight, bias };
  checkFit(problem);
  checkFactors(factors);
  if (form === 'scale') throw new ShapeError('one number for a whole stream is not a fit of an output matrix.');
  if (!sums.isFinite || heldOut?.isFinite === false) return keep(problem, 'its activations are not finite');
  if ([sums, heldOut].every((part) => part === null || errorBefore(part) === 0)) {
    return keep(problem, 'there is nothing to correct');
  }
  if (isZero(sums.gram)) return keep(problem, 'its inputs are all 0');
  const correction = correctionOf(form, sums, weight);
  const choice = await chooseRidge(factors, correction, heldOut);
  if (choice === null) return keep(problem, 'its normal equations are not positive definite');
  await turnWhenDue();
  const condition = conditionOf(choice.system);
  const wanted = changeOf(correction, sums, solveRidge(choice.system, correction.features));
  const { values, change } = rounded(problem, wanted.weight);
  await turnWhenDue();
  const judges = heldOut ?? sums;
  const after = errorAfter(judges, change);
  // Written so that an error that is not a number is no gain.
  if (!(errorBefore(judges) - after > errorRounding(judges, change))) {
    const rows = heldOut === null ? 'rows of the fit' : 'held-out rows';
    return keep(problem, `its error on the ${rows} does not shrink`, condition);
  }
  await turnWhenDue();
  return {
    figures: {
      ...rowsOf(problem),
      factor: choice.ridge,
      kept: null,
      condition,
      error: errorPair(sums, heldOut === null ? after : errorAfter(sums, change)),
      heldOut: heldOut && errorPair(heldOut, after),
    },
    ...values,
  };
}

/** New values in f32 for a change of the weight, and what they change after rounding. */
function rounded(
  { sums, weight, bias }: Problem,
  wanted: Float64Array,
): { values: { weight: Float32Array; bias: Float32Array | null }; change: Change } {
  const newWeight = weight.map((value, index) => value + wanted[index]);
  const change = Float64Array.from(newWeight, (value, index) => value - weight[index]);
  const shift = bias && meanShift(sums, change);
  const newBias = bias && shift && bias.map((value, index) => value + shift[index]);
  return {
    values: { weight: newWeight, bias: newBias },
    change: { weight: change, bias: bias && newBias && Float64Array.from(newBias, (value, i) => value - bias[i]) },
  };
}

/** The fit of a block that keeps its weights: both errors stay as they are. */
function keep(problem: Problem, kept: string, condition: number | null = null): Fitted {
  const { sums, heldOut } = problem;
  const unchanged = (part: NormalEquations): ErrorPair | null =>
    part.isFinite ? errorPair(part, errorBefore(part)) : null;
  return {
    figures: {
      ...rowsOf(problem),
      factor: null,
      kept,
      condition,
      error: unchanged(sums),
      heldOut: heldOut && unchanged(heldOut),
    },
    weight: null,
    bias: null,
  };
}

function isZero(values: Float64Array): boolean {
  return values.every((value) => value === 0);
}

function rowsOf({ sums, heldOut }: Problem): { rows: number; heldOutRows: number } {
  return { rows: sums.rows, heldOutRows: heldOut?.rows ?? 0 };
}

function errorPair(sums: NormalEquations, after: number): ErrorPair {
  return { before: errorBefore(sums) / sums.rows, after: after / sums.rows };
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

function checkFactors(factors: readonly number[]): void {
  const ascending = factors.every((factor, i) => factor > (factors[i - 1] ?? 0) && factor < Infinity);
  if (factors.length === 0 || !ascending) {
    throw new ShapeError(`the ridge factors [${factors.join(', ')}] are not positive numbers in ascending order.`);
  }
}
