/**
 * The colour scale of the candidate heat map: how much worse a candidate is than the best of its
 * step, in ten fixed levels. Fixed, so that two reports can be laid side by side; geometric,
 * because the interesting differences are fractions of a per cent among the cheap blocks and powers
 * of ten among the vital ones.
 */

/** Lower bounds of the levels, as candidate ÷ best. Level 0 begins at the best itself. */
const LEVEL_BOUNDS = [1, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 10, 100] as const;

/** What the legend writes at the lower bound of each level. */
export const LEVEL_LABELS: readonly string[] = [
  'best',
  '+1 %',
  '+2 %',
  '+5 %',
  '+10 %',
  '+20 %',
  '+50 %',
  '×2',
  '×10',
  '×100',
];

/**
 * The level (0 … 9) of a perplexity against the best of its step, both finite and above zero.
 * Compared as logarithms: the quotient of two doubles may overflow, the difference of their
 * logarithms cannot.
 */
export function heatLevel(ppl: number, best: number): number {
  const distance = Math.log(ppl) - Math.log(best);
  return Math.max(
    0,
    LEVEL_BOUNDS.findLastIndex((bound) => distance >= Math.log(bound)),
  );
}
