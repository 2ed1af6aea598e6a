import type { Backend } from '../backends/backend.ts';
import type { ScoredCandidate } from './events.ts';

/**
 * How far a backend's perplexity may lie from the exact one, relative: two candidates closer than
 * twice this could change places on another machine or kernel. For the reference, the largest
 * |Δppl|/ppl over all candidates of the golden models. SIMD reaches 2e-7 on those and 3e-6 on
 * SmolLM2-135M (but for one candidate, L1.mha, whose loss makes a perplexity of 29 one of 957:
 * 1.3e-5). GPU kernels reach 1.8e-7 on the golden models on a software adapter; what a real GPU's
 * exp and fused operations add is not measured yet. spec/prune/noise.spec.ts and
 * spec/golden/gpu.spec.ts keep the figures honest.
 */
export const perplexityNoise: Readonly<Record<Backend['name'], number>> = { reference: 1e-7, simd: 5e-6, gpu: 1e-5 };

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
