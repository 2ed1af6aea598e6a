/** What a search goes by: perplexity, or the KL divergence from the dense model. */
export const metrics = ['ppl', 'kl'] as const;

export type Metric = (typeof metrics)[number];

/**
 * The first candidate with the strictly lowest perplexity, as the official loop finds it: start at
 * +∞, keep on `<`. So a tie goes to the earlier one, and NaN and +∞ never win; null when nothing
 * does. With another metric the lowest of that, among those whose perplexity is finite.
 */
export function lowest<T extends { readonly perplexity: { readonly ppl: number; readonly kl?: number } }>(
  scored: readonly T[],
  metric: Metric = 'ppl',
): T | null {
  let best: T | null = null;
  for (const candidate of scored) {
    // Without a finite perplexity nothing goes, whatever it goes by.
    if (!(candidate.perplexity.ppl < Infinity)) continue;
    if (figureOf(candidate, metric) < (best === null ? Infinity : figureOf(best, metric))) best = candidate;
  }
  return best;
}

function figureOf({ perplexity }: { perplexity: { ppl: number; kl?: number } }, metric: Metric): number {
  return metric === 'ppl' ? perplexity.ppl : (perplexity.kl ?? NaN);
}
