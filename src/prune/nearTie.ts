import type { Backend } from '../backends/backend.ts';
import type { ScoredCandidate } from './search.ts';

/**
 * How far a backend's perplexity may lie from the exact one, relative: two candidates closer than twice this could
 * change places on another machine or kernel. Measured as the largest |Δppl|/ppl against the f64-accumulating
 * reference over all candidates of the golden models (spec/prune/noise.spec.ts keeps them honest).
 */
export const perplexityNoise: Readonly<Record<Backend['name'], number>> = { reference: 1e-7, simd: 1e-6, gpu: 1e-5 };

/** The runner-up where it is too close to the pick to call, else null. */
export function nearTie(
  backend: Backend['name'],
  picked: ScoredCandidate | null,
  runnerUp: ScoredCandidate | null,
): { block: string; ppl: number } | null {
  if (picked === null || runnerUp === null) return null;
  const gap = (runnerUp.perplexity.ppl - picked.perplexity.ppl) / picked.perplexity.ppl;
  return gap <= 2 * perplexityNoise[backend] ? { block: runnerUp.name, ppl: runnerUp.perplexity.ppl } : null;
}
