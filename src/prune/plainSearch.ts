/**
 * BlockPruner in its plainest form (Zhong et al. 2025, §3.3). Each step measures the perplexity
 * without each of the remaining blocks, removes the block whose absence leaves the lowest, and
 * begins again with the model that is left.
 *
 * A perplexity is exp of the mean negative log-likelihood (eval/perplexity.ts), which
 * `Transformer.nll` gives. `search` makes the same removals with the same perplexities, to the last
 * bit. It is faster, since it prices all candidates of a step in one sweep (plainSweep.ts), and it
 * keeps a journal.
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
 * @param kind what a candidate is: with `mix`, any MHA or MLP block.
 * @param steps removals to make. It ends earlier when no candidate is left, or when every one
 * leaves a perplexity of NaN or infinity: then the last step removes nothing.
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
    // In the order that decides ties: all MHA blocks by layer, then all MLP blocks.
    for (const candidate of candidatesLeft(kind, model.config, mask)) {
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
