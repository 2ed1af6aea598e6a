/** Which ridge a correction gets: the one whose correction does best on held-out rows. */
import { turnWhenDue } from '../model/eventLoop.ts';
import { changeOf, type Correction } from './correction.ts';
import { errorAdded } from './fitError.ts';
import { mixOutputs } from './mixedOutputs.ts';
import type { FitSums } from './normalEquations.ts';
import { ridgeSystem, solveRidge, type RidgeSystem } from './ridge.ts';

export interface Choice {
  /** The ridge factor. */
  readonly ridge: number;
  readonly system: RidgeSystem;
  /** What its correction adds to the held-out error, over mixtures of outputs. */
  readonly added: number;
}

/** Mixtures of outputs by which a ridge is judged. */
const MIXTURES = 64;

/**
 * The ridge factor of a grid (in ascending order) that does best on the held-out rows: a walk
 * downhill from the middle of the grid (the upper of two), first towards weaker ridges and, where
 * that does not help, towards stronger ones. So it does better than both its neighbours. Errors are
 * compared over mixtures of the outputs (`mixedOutputs.ts`). Without held-out rows it is the middle
 * of the grid, untried.
 * @returns null where none of the ridges that were looked at has a solution.
 */
export async function chooseRidge(
  factors: readonly number[],
  correction: Correction,
  heldOut: FitSums | null,
): Promise<Choice | null> {
  const features = mixOutputs(correction.features, MIXTURES);
  const sums = mixOutputs(correction.sums, MIXTURES);
  const judges = heldOut && mixOutputs(heldOut, MIXTURES);
  const attempt = async (ridge: number): Promise<Choice | null> => {
    await turnWhenDue();
    const system = ridgeSystem(features, ridge);
    if (system === null || judges === null) return system && { ridge, system, added: 0 };
    await turnWhenDue();
    const change = changeOf(correction, sums, solveRidge(system, features));
    return { ridge, system, added: errorAdded(judges, change) };
  };
  const middle = factors.length >> 1;
  const start = await attempt(factors[middle]);
  if (judges === null) return start;
  const weaker = await downhill(start, factors.slice(0, middle).reverse(), attempt);
  return weaker === start ? downhill(start, factors.slice(middle + 1), attempt) : weaker;
}

/** Goes on while it gets better; what has no solution is the worst. */
async function downhill(
  start: Choice | null,
  factors: readonly number[],
  attempt: (ridge: number) => Promise<Choice | null>,
): Promise<Choice | null> {
  let best = start;
  for (const ridge of factors) {
    const next = await attempt(ridge);
    if (best !== null && !(next !== null && next.added < best.added)) break;
    best = next;
  }
  return best;
}
