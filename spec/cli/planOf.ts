/** A plan of steps that take so many seconds. */
import type { RunPlan } from '../../src/prune/cost/planTypes.ts';

export function planOf(steps: readonly number[], sample = 0): RunPlan {
  const search = steps.reduce((sum, seconds) => sum + seconds, 0);
  return {
    tokens: 100,
    chunk: 10,
    chunks: 10,
    candidates: 12,
    steps: { least: steps.length, most: steps.length },
    byStep: steps.map((seconds, at) => ({ step: at + 1, candidates: 20 - at, passes: 1, flops: 1, seconds })),
    work: { done: 1, exact: 1, naive: 1 },
    flops: 1,
    seconds: { firstStep: steps[0], scoring: 0, search, evaluation: 0, sample, total: search + sample, span: null },
    race: null,
    atMost: false,
    memory: { weights: 0, activations: 0, kept: 0, total: 0 },
    leftOut: [],
    measured: 1,
  };
}
