import type { ScoredCandidate } from './events.ts';

/**
 * The runner-up where it is too close to the pick to call, else null.
 * @param noise of the backend's perplexities (`Backend.perplexityNoise`).
 */
export function nearTie(
  noise: number,
  picked: Pick<ScoredCandidate, 'name' | 'perplexity'> | null,
  runnerUp: Pick<ScoredCandidate, 'name' | 'perplexity'> | null,
): { block: string; ppl: number } | null {
  if (picked === null || runnerUp === null) return null;
  // By another metric than perplexity the runner-up may have the lower one.
  const gap = Math.abs(runnerUp.perplexity.ppl - picked.perplexity.ppl) / picked.perplexity.ppl;
  return gap <= 2 * noise ? { block: runnerUp.name, ppl: runnerUp.perplexity.ppl } : null;
}
