/**
 * The first candidate with the strictly lowest perplexity, as the official loop finds it: start at
 * +∞, keep on `<`. So a tie goes to the earlier one, and NaN and +∞ never win; null when nothing
 * does.
 */
export function lowest<T extends { readonly perplexity: { readonly ppl: number } }>(scored: readonly T[]): T | null {
  let best: T | null = null;
  for (const candidate of scored) {
    if (candidate.perplexity.ppl < (best === null ? Infinity : best.perplexity.ppl)) best = candidate;
  }
  return best;
}
