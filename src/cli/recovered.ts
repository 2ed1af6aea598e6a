import { recoveredShare } from '../train/recovered.ts';
import { percent } from './figures.ts';

/**
 * What healing brought back of what pruning cost, in a sentence.
 * @param what did it, where it was not healing alone.
 */
export function recoveredText(dense: number, pruned: number, healed: number, what: string = 'healing'): string {
  const share = recoveredShare(dense, pruned, healed);
  if (share !== null) {
    if (share < 0) return `${what} did not help: the perplexity rose by ${percent(healed / pruned - 1)}`;
    if (share > 1) return `${what} brought back all of what pruning lost, and more`;
    return `${what} brought back ${percent(share)} of what pruning lost`;
  }
  if (![dense, pruned, healed].every(Number.isFinite))
    return 'a perplexity is not finite, so what was brought back cannot be stated';
  const change = healed / pruned - 1;
  const cost =
    pruned < dense ? 'pruning cost nothing, the perplexity fell' : 'pruning cost less than 0.1 % of the perplexity';
  const then = change < 0 ? `lowered it by ${percent(-change)}` : `raised it by ${percent(change)}`;
  return `${cost}; ${what} ${change === 0 ? 'left it as it was' : then}`;
}
