/**
 * BlockPruner in its plainest form (Zhong et al. 2025, §3.3). Each step measures the perplexity
 * without each of the remaining blocks, removes the block whose absence leaves the lowest, and
 * begins again with the model that is left.
 *
 * `Transformer.nll` gives negative log-likelihoods; a perplexity is exp of their mean
 * (eval/perplexity.ts). `search` makes the same removals with the same perplexities, to the last
 * bit. It is faster, since one sweep measures all candidates of a step (plainSweep.ts explains
 * how), and it keeps a journal.
 */
import type { Chunks } from '../eval/chunks.ts';
import { perplexity } from '../eval/perplexity.ts';
import { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import { nothingProtected, type Protected } from './protect.ts';
import { candidatesLeft, type Candidate, type PruneKind } from './candidates.ts';

export interface PlainStep {
  /** What went; null where no candidate left a finite perplexity. */
  readonly removed: Candidate | null;
  /** A candidate's price: the perplexity without it, on top of what was gone before. */
  readonly prices: readonly { readonly candidate: Candidate; readonly ppl: number }[];
}

/**
 * @param kind what a candidate is: any block (`mix`), only `mha` or `mlp` blocks, or a `layer`.
 * @param steps removals to make. It ends earlier when no candidate is left, or when every one
 * leaves a perplexity of NaN or infinity: then the last step removes nothing.
 * @param kept blocks that are never candidates.
 * @returns the steps in order.
 */
export async function plainSearch(
  model: Transformer,
  chunks: Chunks,
  kind: PruneKind,
  steps: number,
  kept: Protected = nothingProtected,
): Promise<PlainStep[]> {
  const done: PlainStep[] = [];
  let mask = Mask.empty;
  while (done.length < steps) {
    const prices: { candidate: Candidate; ppl: number }[] = [];
    // In the order that decides ties: all MHA blocks by layer, then all MLP blocks.
    for (const candidate of candidatesLeft(kind, model.config, mask, kept)) {
      const { ppl } = await perplexity(model, chunks, mask.with(candidate.blocks));
      prices.push({ candidate, ppl });
    }
    if (prices.length === 0) break;
    // The first of the lowest; NaN and infinity never win.
    let removed: Candidate | null = null;
    let lowest = Infinity;
    for (const { candidate, ppl } of prices) {
      if (ppl < lowest) [removed, lowest] = [candidate, ppl];
    }
    done.push({ removed, prices });
    if (removed === null) break;
    mask = mask.with(removed.blocks);
  }
  return done;
}
