/**
 * BlockPruner in its plainest form (Zhong et al. 2025, §3.3): remove the block whose absence leaves
 * the lowest perplexity, measure the rest again on top of that, and so on. `search` gives the same
 * removals and the same perplexities to the last bit; it adds a journal, progress, stop rules and
 * races, and prices a step in one sweep.
 */
import type { Chunks } from '../eval/chunks.ts';
import { perplexity } from '../eval/perplexity.ts';
import { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import { candidatesLeft, type Candidate, type PruneKind } from './candidates.ts';

export interface PlainStep {
  /** What went; null where no candidate left a finite perplexity. */
  readonly removed: Candidate | null;
  /** The perplexity without each candidate, on top of what was gone before. */
  readonly prices: readonly { readonly candidate: Candidate; readonly ppl: number }[];
}

/**
 * @param steps removals to make; fewer where the candidates run out or no perplexity is finite.
 * @returns the steps in order.
 */
export async function plainSearch(
  model: Transformer,
  chunks: Chunks,
  kind: PruneKind,
  steps: number,
): Promise<PlainStep[]> {
  const done: PlainStep[] = [];
  let mask = Mask.empty;
  while (done.length < steps) {
    const prices: { candidate: Candidate; ppl: number }[] = [];
    for (const candidate of candidatesLeft(kind, model.config.numHiddenLayers, mask)) {
      const { ppl } = await perplexity(model, chunks, mask.with(candidate.blocks));
      prices.push({ candidate, ppl });
    }
    if (prices.length === 0) break;
    // The first of the lowest; NaN and infinity never win.
    const finite = prices.filter(({ ppl }) => Number.isFinite(ppl));
    const lowest = Math.min(...finite.map(({ ppl }) => ppl));
    const removed = finite.find(({ ppl }) => ppl === lowest)?.candidate ?? null;
    done.push({ removed, prices });
    if (removed === null) break;
    mask = mask.with(removed.blocks);
  }
  return done;
}
