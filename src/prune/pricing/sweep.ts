/**
 * One walk of the model that prices every single removal on top of a mask.
 *
 * All candidates share the network up to the block they remove. So instead of running the model
 * once a candidate, one stream of activations walks the model unpruned; before a candidate's block
 * it is forked, the fork skips that block, and from there on all streams pass through each block
 * one after another while its weights are at hand:
 *
 *     embedding ─ L0.mha ─ L0.mlp ─ L1.mha ─ L1.mlp ─ … ─ head     the model under the current mask
 *          │         └───────────── L1.mha ─ L1.mlp ─ … ─ head     without L0.mlp
 *          └──────────── L0.mlp ─── L1.mha ─ L1.mlp ─ … ─ head     without L0.mha
 *
 * N(N+1)/2 block passes instead of N(N−1) for N blocks, and every weight is read once. Streams are
 * handles that no op changes, so a fork is not a copy: the fork keeps the old handle, the main
 * stream moves on to a new one. For the same reason the next step's walk can begin at a checkpoint
 * of this one (checkpoints.ts).
 *
 * Where one stream's rows do not fill the backend's kernels forks travel in bundles (bundles.ts):
 * once a fork has skipped its block it is stacked below others, and in the drawing the two lower
 * lines are one tall stream from L1.mha on. The unpruned stream stays on its own, so that forks
 * and checkpoints can go on taking its handle as it is.
 */
import { formatBlock, walkIndex, walkPlaces } from '../../model/blockId.ts';
import type { Mask } from '../../model/mask.ts';
import { bySequence, nextTokens, type Transformer } from '../../model/transformer.ts';
import { walkOf } from '../../model/walk.ts';
import { sweepPasses } from '../blockPasses.ts';
import type { Candidate } from '../candidates.ts';
import { bundleSize, Bundles, unstack } from './bundles.ts';
import { Checkpoints } from './checkpoints.ts';
import { StreamHolders, type StreamBackend } from './streamHolders.ts';

/** What a sweep walks: a model, or what counts a model's work (cost/dryModel.ts). */
export interface SweepModel extends Pick<Transformer, 'config' | 'embed' | 'block' | 'headNll'> {
  readonly backend: StreamBackend;
}

export interface SweepProgress {
  /** Block passes done and to do in all; a pass is one block on one stream. */
  passes: number;
  totalPasses: number;
}

export interface SweepResult {
  /** NLL of each candidate's targets: [candidate][chunk][T − 1], nats. */
  candidates: Float32Array[][];
  /** The same under the mask alone. */
  base: Float32Array[];
  /** Block passes done: those of a whole sweep, less what a checkpoint made unnecessary. */
  passes: number;
}

/** How a sweep uses memory. None of it changes a bit of what comes out. */
export interface SweepMemory {
  /** Counts who holds which stream; with `checkpoints`, the counter that they were made with. */
  holders?: StreamHolders;
  /**
   * Of earlier sweeps over the same chunks, to go on from; this one adds its own. Default: none.
   */
  checkpoints?: Checkpoints;
  /** The most streams of a bundle; 1 = none is stacked. Default: as many as the backend wants. */
  bundle?: number;
}

/**
 * Prices `candidates` on top of `mask` for a group of chunks [B][T]. Each candidate's blocks must
 * be unmasked and adjacent in the walk, and no two candidates may share one. Yields progress after
 * every block. However it ends, abandoned or with an error included, it leaves no stream behind
 * but those in `checkpoints`.
 */
export async function* sweep(
  model: SweepModel,
  ids: readonly Int32Array[],
  mask: Mask,
  candidates: readonly Candidate[],
  memory: SweepMemory = {},
): AsyncGenerator<SweepProgress, SweepResult> {
  const seqLen = ids[0].length;
  const { config, backend } = model;
  const { holders = new StreamHolders(backend) } = memory;
  const { checkpoints = new Checkpoints(holders, 0) } = memory;
  const { bundle = bundleSize(config, ids.length * seqLen, backend.stackBytes) } = memory;
  const walk = walkOf(config, mask);
  const removedBy = new Map(candidates.flatMap((c) => c.blocks.map((block) => [formatBlock(block), c.name] as const)));
  const from = checkpoints.latest(mask, candidates);
  const start = from?.position ?? 0;
  const ahead = walk.filter((block) => walkIndex(block) >= start);
  const totalPasses = sweepPasses(walk, candidates, walk.length - ahead.length);
  const forks = new Bundles(holders, bundle);
  let base = from?.base ?? (await model.embed(ids));
  holders.hold(base);
  let passes = 0;
  let walked = false;

  try {
    forks.take(from?.forks ?? [], new Set(candidates.map(({ name }) => name)));
    for (const block of ahead) {
      const position = walkIndex(block);
      const skipping = removedBy.get(formatBlock(block));
      forks.stack(skipping);
      if (position > start) {
        checkpoints.offer(mask, { position, base, forks: forks.all }, walkPlaces(config));
      }
      for (const [index, { names, stream }] of forks.all.entries()) {
        if (skipping !== undefined && names.includes(skipping)) continue;
        forks.replace(index, await model.block(block, stream, seqLen));
        passes += names.length;
      }
      const next = await model.block(block, base, seqLen);
      passes++;
      if (skipping !== undefined && !forks.has(skipping)) forks.add(skipping, base);
      holders.hold(next);
      holders.release(base);
      base = next;
      yield { passes, totalPasses };
    }
    walked = true;
  } finally {
    if (!walked) {
      forks.release();
      holders.release(base);
    }
  }

  const tall = [...forks.all.map(({ stream }) => stream), base];
  const rows = await model.headNll(tall, nextTokens(ids), (stream) => holders.release(stream));
  const own = unstack(forks.all, rows);
  return {
    candidates: candidates.map(({ name }) => bySequence(ownOf(own, name), ids)),
    base: bySequence(rows[rows.length - 1], ids),
    passes,
  };
}

function ownOf(own: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const nll = own.get(name);
  if (nll === undefined) throw new Error(`sweep: candidate ${name} removes no block of the walk`);
  return nll;
}
