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
 *
 * Nor need all forks walk at once. They go in portions, the earliest forks first: a portion walks
 * to the end and has its figures, while the unpruned stream waits where the next portion begins.
 * That takes no pass more, and at any time the walk is a few streams and the figures that are known
 * (course.ts). A keeper puts those on disk now and then, for a killed run to go on from
 * (walkKeeper.ts).
 */
import { formatBlock, walkIndex, walkPlaces } from '../../model/blockId.ts';
import type { Mask } from '../../model/mask.ts';
import type { DenseOutputs } from '../../model/denseOutputs.ts';
import type { HeadFigures } from '../../model/head.ts';
import { bySequence, nextTokens, type Transformer } from '../../model/transformer.ts';
import { walkOf } from '../../model/walk.ts';
import type { Candidate } from '../candidates.ts';
import { bundleSize, unstack } from './bundles.ts';
import type { Checkpoints, WalkSize } from './checkpoints.ts';
import { BASE, Course, type SweepProgress } from './course.ts';
import { StreamHolders, type StreamBackend } from './streamHolders.ts';
import { workOf } from './sweepWork.ts';

/** What a sweep walks: a model, or what counts a model's work (cost/dryModel.ts). */
export interface SweepModel extends Pick<Transformer, 'config' | 'embed' | 'block' | 'headFigures'> {
  readonly backend: StreamBackend;
}

export interface SweepResult {
  /** NLL of each candidate's targets: [candidate][chunk][T − 1], nats. */
  candidates: Float32Array[][];
  /** The same under the mask alone. */
  base: Float32Array[];
  /** KL divergences from the dense model, as the two above; only with `SweepMemory.dense`. */
  kl?: { candidates: Float32Array[][]; base: Float32Array[] };
  /** Block passes done: those of a whole sweep, less what a checkpoint made unnecessary. */
  passes: number;
}

/** How many streams walk to the end together. */
export interface PortionSize {
  /** Forks of a portion. */
  readonly streams: number;
  /** Rows that the head takes at once, in whole bundles; 0 = bundle by bundle. */
  readonly headRows: number;
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
  /** Default: all at once. */
  portion?: PortionSize;
  /** Keeps the walk for another process; default: nothing is kept. */
  keeper?: CourseKeeper;
  /** The dense model's outputs for the same chunks; with them KL divergences are measured. */
  dense?: DenseOutputs;
}

/** Who keeps a walk. */
export interface CourseKeeper {
  /** Where the walk was when it was kept last, its streams uploaded; null where nothing is kept. */
  resume(holders: StreamHolders, bundle: number): Promise<Course | null>;
  /** Keeps the course if that is due. */
  keepWhenDue(course: Course): Promise<void>;
  /** Keeps a course from which no stream can be lost for a while: what follows takes them apart. */
  keepBefore(course: Course): Promise<void>;
  /** Keeps a walk that is left before its end. It never throws. */
  keepAtLast(course: Course): Promise<void>;
}

const ALL: PortionSize = { streams: Infinity, headRows: Infinity };

/**
 * Prices `candidates` on top of `mask` for a group of chunks [B][T]. Each candidate's blocks must
 * be unmasked and adjacent in the walk, and no two candidates may share one. Yields progress after
 * every pass. However it ends, abandoned or with an error included, it leaves no stream behind but
 * those in `checkpoints`, and with a keeper what it has computed is kept.
 */
export async function* sweep(
  model: SweepModel,
  ids: readonly Int32Array[],
  mask: Mask,
  candidates: readonly Candidate[],
  memory: SweepMemory = {},
): AsyncGenerator<SweepProgress, SweepResult> {
  const { portion = ALL, keeper } = memory;
  const course = await courseOf(model, ids, mask, candidates, memory);
  try {
    if (course.kept > 0) yield course.progress();
    const portions = course.portions(candidates, portion.streams);
    for (const [index, some] of portions.entries()) {
      const isLast = index === portions.length - 1;
      course.begin(some);
      yield* passBlocks({ model, ids, mask, candidates, memory, course }, some, isLast);
      yield* passHead({ model, ids, memory, course }, isLast ? [BASE] : []);
    }
  } finally {
    if (!course.isThrough) await keeper?.keepAtLast(course);
    course.release();
  }
  const figures = candidates.map(({ name }) => figuresOf(course, name));
  const base = figuresOf(course, BASE);
  return {
    candidates: figures.map(({ nll }) => bySequence(nll, ids)),
    base: bySequence(base.nll, ids),
    ...(memory.dense === undefined
      ? {}
      : { kl: { candidates: figures.map((own) => klOf(own, ids)), base: klOf(base, ids) } }),
    passes: course.passes,
  };
}

/** A walk under way: what is walked, and where it is. */
interface Walk {
  readonly model: SweepModel;
  readonly ids: readonly Int32Array[];
  readonly mask: Mask;
  readonly candidates: readonly Candidate[];
  readonly memory: SweepMemory;
  readonly course: Course;
}

/** Where the walk begins: where it was left, at a checkpoint, or with the embedding. */
async function courseOf(
  model: SweepModel,
  ids: readonly Int32Array[],
  mask: Mask,
  candidates: readonly Candidate[],
  memory: SweepMemory,
): Promise<Course> {
  const { config, backend } = model;
  const { holders = new StreamHolders(backend), checkpoints, keeper } = memory;
  const { bundle = bundleSize(config, ids.length * ids[0].length, backend.stackBytes) } = memory;
  const kept = (await keeper?.resume(holders, bundle)) ?? null;
  if (kept !== null) return kept;
  const walk = walkOf(config, mask);
  const from = checkpoints?.latest(mask, candidates) ?? null;
  const skipped = walk.filter((block) => walkIndex(block) < (from?.position ?? 0)).length;
  const work = workOf(config, walk, candidates, skipped);
  const base = { stream: from?.base ?? (await model.embed(ids)), at: from?.position ?? 0 };
  const course = new Course(holders, base, bundle, work);
  try {
    if (from !== null) course.waitFor(from, candidates);
    return course;
  } catch (error) {
    course.release();
    throw error;
  }
}

/**
 * A portion's forks to the end of the walk, and the base as far as the next portion lets it: the
 * last portion takes it along to the end.
 */
async function* passBlocks(
  { model, ids, mask, candidates, memory: { checkpoints, keeper }, course }: Walk,
  portion: readonly Candidate[],
  isLast: boolean,
): AsyncGenerator<SweepProgress, void> {
  const { forks } = course;
  const seqLen = ids[0].length;
  const size = walkSize(model, ids, candidates);
  const removedBy = new Map(portion.flatMap((c) => c.blocks.map((block) => [formatBlock(block), c] as const)));
  const lastFork = Math.max(-1, ...portion.map(({ blocks }) => walkIndex(blocks[0])));
  for (const block of walkOf(model.config, mask)) {
    const place = walkIndex(block);
    forks.stack(place);
    // Beyond the portion's last fork the base waits for the next portion.
    const base = isLast || place <= lastFork ? course.baseAt(place) : null;
    if (place > course.start) checkpoints?.offer(mask, { position: place, base, forks: forks.all }, size);
    for (const [index, { names, stream, at }] of forks.all.entries()) {
      // Has passed this block already, or skips it.
      if (at > place) continue;
      forks.replace(index, await model.block(block, stream, seqLen), place + 1);
      course.passes += names.length;
      await keeper?.keepWhenDue(course);
      yield course.progress();
    }
    if (base === null) continue;
    const skipping = removedBy.get(formatBlock(block));
    if (skipping !== undefined && !forks.has(skipping.name)) {
      forks.add(skipping.name, base, 1 + Math.max(...skipping.blocks.map(walkIndex)));
    }
    if (!isLast && place >= lastFork) continue;
    course.moveBase(await model.block(block, base, seqLen), place + 1);
    course.passes++;
    await keeper?.keepWhenDue(course);
    yield course.progress();
  }
}

/** The head on streams that have passed all blocks: a portion's forks, and those named besides. */
async function* passHead(
  { model, ids, memory: { portion = ALL, keeper, dense }, course }: Pick<Walk, 'model' | 'ids' | 'memory' | 'course'>,
  besides: readonly string[],
): AsyncGenerator<SweepProgress, void> {
  for (const bundles of course.throughBlocks(besides, portion.headRows)) {
    // One bundle stays held meanwhile. Several are let go of one by one, to make room: whoever is
    // killed then goes on from before.
    const alone = bundles.length === 1;
    if (!alone) await keeper?.keepBefore(course);
    const release = alone ? () => {} : course.give(bundles);
    const streams = bundles.map(({ stream }) => stream);
    const figures = await model.headFigures(streams, nextTokens(ids), release, dense ?? null);
    course.finish(unstack(bundles, figures));
    await keeper?.keepWhenDue(course);
    yield course.progress();
  }
}

function walkSize({ config }: SweepModel, ids: readonly Int32Array[], candidates: readonly Candidate[]): WalkSize {
  const places = candidates.map(({ blocks }) => walkIndex(blocks[0]));
  return {
    places: walkPlaces(config),
    streamBytes: ids.length * ids[0].length * config.hiddenSize * 4,
    forksBefore: (place) => places.filter((own) => own < place).length,
  };
}

function figuresOf({ figures }: Course, name: string): HeadFigures {
  const own = figures.get(name);
  if (own === undefined) throw new Error(`sweep: candidate ${name} removes no block of the walk`);
  return own;
}

function klOf({ kl }: HeadFigures, ids: readonly Int32Array[]): Float32Array[] {
  if (kl === undefined) throw new Error('sweep: a walk without KL was gone on from');
  return bySequence(kl, ids);
}
