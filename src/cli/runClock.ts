/** How long a run still takes: its plan, corrected by what its steps have taken so far. */
import type { RunPlan } from '../prune/cost/planTypes.ts';
import type { SearchProgressEvent } from '../prune/events.ts';

type Progress = Pick<SearchProgressEvent, 'step' | 'fraction' | 'computed' | 'seconds'>;

/** The plan counts for as much as so large a share of the run. */
const TRUST = 0.02;

export class RunClock {
  readonly #plan: RunPlan | null;
  /** Seconds of the steps before this one, here and by the plan. */
  #taken = 0;
  #planned = 0;
  #latest: Progress | null = null;

  /** @param plan null where there is none: then only a step's time is known. */
  constructor(plan: RunPlan | null) {
    this.#plan = plan;
  }

  /** Seconds left of the step, and of the run; null where nobody knows. */
  left(now: Progress): { step: number | null; run: number | null } {
    const latest = this.#latest;
    if (latest !== null && latest.step !== now.step) {
      this.#taken += latest.seconds;
      this.#planned += latest.computed * this.#secondsOf(latest.step);
    }
    this.#latest = now;
    const { computed, fraction, seconds, step } = now;
    const ofStep = computed > 0 ? ((1 - fraction) / computed) * seconds : null;
    if (this.#plan === null) return { step: ofStep, run: null };
    const planned = this.#planned + computed * this.#secondsOf(step);
    const prior = TRUST * this.#plan.seconds.total;
    const pace = (this.#taken + seconds + prior) / (planned + prior);
    const aheadOfStep = (1 - fraction) * this.#secondsOf(step);
    // A step has one pace from its own figures, and later ones from all so far.
    return {
      step: ofStep ?? pace * aheadOfStep,
      run: (ofStep ?? pace * aheadOfStep) + pace * secondsAfter(this.#plan, step),
    };
  }

  /** By the plan; a step beyond those that are likely takes as long as the last one. */
  #secondsOf(step: number): number {
    const { byStep = [] } = this.#plan ?? {};
    return byStep[Math.min(step, byStep.length) - 1]?.seconds ?? 0;
  }
}

/**
 * Planned seconds of the steps after this one, and of what follows the search; scores come before
 * it.
 */
export function secondsAfter({ byStep, seconds }: RunPlan, step: number): number {
  const later = byStep.slice(step).reduce((sum, one) => sum + one.seconds, 0);
  const share = byStep.length === 0 ? 0 : Math.max(0, byStep.length - step) / byStep.length;
  return later + share * seconds.evaluation + seconds.sample;
}
