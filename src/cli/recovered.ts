import { percent } from './figures.ts';

/** Below this share of the dense perplexity, what pruning cost is too little to state shares of. */
const NOTHING = 1e-3;

/**
 * The share of what pruning cost that healing brought back, of perplexities: 0 where it brought
 * back nothing, 1 where the healed model is as good as the dense one, more where it is better,
 * below 0 where healing made it worse. Null where pruning cost next to nothing, or a figure is not
 * finite: a share of that would tell nothing.
 */
export function recoveredShare(dense: number, pruned: number, healed: number): number | null {
  const cost = pruned - dense;
  if (!Number.isFinite(cost) || !Number.isFinite(healed) || cost < NOTHING * dense) return null;
  return (pruned - healed) / cost;
}

/** The same in a sentence. */
export function recoveredText(dense: number, pruned: number, healed: number): string {
  const share = recoveredShare(dense, pruned, healed);
  if (share !== null) {
    if (share < 0) return `healing did not help: the perplexity rose by ${percent(healed / pruned - 1)}`;
    if (share > 1) return 'healing brought back all of what pruning lost, and more';
    return `healing brought back ${percent(share)} of what pruning lost`;
  }
  if (![dense, pruned, healed].every(Number.isFinite))
    return 'a perplexity is not finite, so what was brought back cannot be stated';
  const change = healed / pruned - 1;
  const cost =
    pruned < dense ? 'pruning cost nothing, the perplexity fell' : 'pruning cost less than 0.1 % of the perplexity';
  const then = change < 0 ? `lowered it by ${percent(-change)}` : `raised it by ${percent(change)}`;
  return `${cost}; healing ${change === 0 ? 'left it as it was' : then}`;
}
