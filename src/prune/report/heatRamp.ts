/**
 * The colour scales of the candidate heat map, in ten fixed levels each. Fixed, so that two reports
 * can be laid side by side; geometric, because the interesting differences are fractions of a per
 * cent among the cheap blocks and powers of ten among the vital ones.
 */

/** A scale: the lower bound of each level as a factor, and what the legend writes at it. */
export interface Ramp {
  readonly bounds: readonly number[];
  readonly labels: readonly string[];
}

/** Against the dense model: one colour means one cost in every column. Level 0 is no cost. */
export const DENSE_RAMP: Ramp = {
  bounds: [0, 1.01, 1.03, 1.07, 1.15, 1.3, 1.6, 2, 5, 50],
  labels: ['dense', '+1 %', '+3 %', '+7 %', '+15 %', '+30 %', '+60 %', '×2', '×5', '×50'],
};

/** Against the best candidate of the same step, level 0. */
export const STEP_RAMP: Ramp = {
  bounds: [1, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 10, 100],
  labels: ['best', '+1 %', '+2 %', '+5 %', '+10 %', '+20 %', '+50 %', '×2', '×10', '×100'],
};

/**
 * The level (0 … 9) of a perplexity against another, both finite and above zero. Compared as
 * logarithms: the quotient of two doubles may overflow, the difference of their logarithms cannot.
 */
export function heatLevel(ppl: number, base: number, { bounds }: Ramp): number {
  const distance = Math.log(ppl) - Math.log(base);
  return Math.max(
    0,
    bounds.findLastIndex((bound) => distance >= Math.log(bound)),
  );
}
