/**
 * One walk of the model that prices every single removal on top of a mask.
 *
 * All candidates share the network up to the block they remove. So instead of running the model once a candidate, one
 * stream of activations walks the model unpruned; before a candidate's block it is forked, the fork skips that
 * block, and from there on all streams pass through each block one after another while its weights are at hand:
 *
 *     embedding ─ L0.mha ─ L0.mlp ─ L1.mha ─ L1.mlp ─ … ─ head     the model under the current mask
 *          │         └───────────── L1.mha ─ L1.mlp ─ … ─ head     without L0.mlp
 *          └──────────── L0.mlp ─── L1.mha ─ L1.mlp ─ … ─ head     without L0.mha
 *
 * N(N+1)/2 block passes instead of N(N−1) for N blocks, and every weight is read once. Streams are handles that no
 * op changes, so a fork is no copy: the fork keeps the old handle, the main stream moves on to a new one.
 */
import type { DeviceTensor } from '../backends/backend.ts';
import { blocksInWalkOrder, formatBlock } from '../model/blockId.ts';
import type { Mask } from '../model/mask.ts';
import { nextTokens, type Transformer } from '../model/transformer.ts';
import type { Candidate } from './candidates.ts';

export interface SweepProgress {
  /** Block passes done and in all; a pass is one block on one stream. */
  passes: number;
  totalPasses: number;
}

export interface SweepResult {
  /** NLL of each candidate's targets: [candidate][chunk][T − 1], nats. */
  candidates: Float32Array[][];
  /** The same under the mask alone. */
  base: Float32Array[];
  passes: number;
}

/**
 * Prices `candidates` on top of `mask` for a group of chunks [B][T]. Each candidate's blocks must be unmasked and
 * adjacent in the walk, and no two candidates may share one. Yields progress after every block. However it ends,
 * abandoned or with an error included, it leaves no stream behind.
 */
export async function* sweep(
  model: Transformer,
  ids: readonly Int32Array[],
  mask: Mask,
  candidates: readonly Candidate[],
): AsyncGenerator<SweepProgress, SweepResult> {
  const seqLen = ids[0].length;
  const walk = blocksInWalkOrder(model.config.numHiddenLayers).filter((block) => !mask.has(block));
  const removedBy = new Map(candidates.flatMap((c, index) => c.blocks.map((b) => [formatBlock(b), index] as const)));
  const totalPasses = countPasses(walk.map(formatBlock), removedBy);
  const forks = new Map<number, DeviceTensor>();
  let base = await model.embed(ids);
  let passes = 0;
  let walked = false;

  try {
    for (const block of walk) {
      const skipping = removedBy.get(formatBlock(block));
      for (const [index, stream] of forks) {
        if (index === skipping) continue;
        forks.set(index, await model.block(block, stream, seqLen));
        model.backend.free(stream);
        passes++;
      }
      const next = await model.block(block, base, seqLen);
      passes++;
      if (skipping !== undefined && !forks.has(skipping)) forks.set(skipping, base);
      else model.backend.free(base);
      base = next;
      yield { passes, totalPasses };
    }
    walked = true;
  } finally {
    if (!walked) for (const stream of [...forks.values(), base]) model.backend.free(stream);
  }

  const streams = [...candidates.map((_, index) => forkOf(forks, index)), base];
  const rows = await model.headNll(streams, nextTokens(ids));
  const perChunk = rows.map((nll) => ids.map((_, chunk) => nll.subarray(chunk * seqLen, (chunk + 1) * seqLen - 1)));
  return { candidates: perChunk.slice(0, -1), base: perChunk[perChunk.length - 1], passes };
}

function countPasses(walk: readonly string[], removedBy: ReadonlyMap<string, number>): number {
  const forked = new Set<number>();
  let passes = 0;
  for (const block of walk) {
    const skipping = removedBy.get(block);
    passes += 1 + forked.size - (skipping !== undefined && forked.has(skipping) ? 1 : 0);
    if (skipping !== undefined) forked.add(skipping);
  }
  return passes;
}

function forkOf(forks: ReadonlyMap<number, DeviceTensor>, index: number): DeviceTensor {
  const stream = forks.get(index);
  if (stream === undefined) throw new Error(`sweep: candidate ${index} removes no block of the walk`);
  return stream;
}
