/**
 * Repair in the loop in its plainest form: every candidate is repaired from scratch, and the lowest
 * price after that goes. No journal, no leaders, no fit is used twice.
 */
import type { Chunks } from '../../../src/eval/chunks.ts';
import { perplexity } from '../../../src/eval/perplexity.ts';
import { edited, type RewriteEdit } from '../../../src/model/edit.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { candidatesLeft, type PruneKind } from '../../../src/prune/candidates.ts';
import { defaultRepair, repair, type RepairSettings } from '../../../src/repair/repair.ts';
import { mapMemory } from '../../repair/tinyRepair.ts';
import { drain } from '../tinySearch.ts';

export interface BruteStep {
  readonly removed: string;
  /** Of all candidates, in order: on top of the repaired model, and after a repair of their own. */
  readonly prices: readonly { readonly block: string; readonly plain: number; readonly repaired: number }[];
}

export async function bruteForce(
  model: Transformer,
  chunks: Chunks,
  kind: PruneKind,
  steps: number,
  settings: RepairSettings = defaultRepair,
): Promise<BruteStep[]> {
  const done: BruteStep[] = [];
  let mask = Mask.empty;
  let edits: readonly RewriteEdit[] = [];
  while (done.length < steps) {
    const prices: { block: string; plain: number; repaired: number; edits: readonly RewriteEdit[]; after: Mask }[] = [];
    for (const candidate of candidatesLeft(kind, model.config, mask)) {
      const after = mask.with(candidate.blocks);
      const plain = await priceOf(model, edits, chunks, after);
      const input = { model, chunks, mask: after, settings, memory: mapMemory(), bytes: 2 ** 30 };
      const { result } = await drain(repair(input));
      const repaired = await priceOf(model, result.edits, chunks, after);
      prices.push({ block: candidate.name, plain, repaired, edits: result.edits, after });
    }
    const best = prices.reduce((low, price) => (price.repaired < low.repaired ? price : low));
    done.push({
      removed: best.block,
      prices: prices.map(({ block, plain, repaired }) => ({ block, plain, repaired })),
    });
    ({ after: mask, edits } = best);
  }
  return done;
}

/** The perplexity of a model with edits and without some blocks, from scratch. */
async function priceOf(
  { source, backend }: Transformer,
  edits: readonly RewriteEdit[],
  chunks: Chunks,
  mask: Mask,
): Promise<number> {
  const model = await Transformer.load(edited(source, edits), backend, 2 ** 22);
  const { ppl } = await perplexity(model, chunks, mask);
  model.free();
  return ppl;
}
