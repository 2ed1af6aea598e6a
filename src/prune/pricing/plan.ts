/**
 * How memory is shared between weights and activations, and how many chunks a sweep carries at
 * once.
 */
import { MemoryBudgetError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import { countParameters } from '../../model/parameters.ts';
import { blockTensorNames } from '../../model/blockTensors.ts';
import { footprint } from '../../model/footprint.ts';
import type { Transformer } from '../../model/transformer.ts';
import { walkOf } from '../../model/walk.ts';
import { HEAD_TILE } from '../../model/weightPieces.ts';
import type { WeightSource } from '../../model/weights.ts';
import { bundleSize } from './bundles.ts';

export interface MemoryPlan {
  /** Budget for packed weights. */
  weightBytes: number;
  /** Budget for residual streams and what a block needs while it runs. */
  activationBytes: number;
}

/** The least that a run can do with. */
export interface MemoryNeeds {
  /** The largest block or tile of the head, packed: what must be there at once. */
  weightBytes: number;
  /** One chunk's streams, and what a block needs while it runs. */
  activationBytes: number;
}

const nothing: MemoryNeeds = { weightBytes: 0, activationBytes: 0 };

/** What the allocator rounds up, and holes between pieces. */
const SLACK = 1 / 32;

/**
 * Numbers of a row that the head keeps until it is through the vocabulary: 33 on a GPU, six
 * elsewhere.
 */
const HEAD_SUMS = 33;

/**
 * A quarter for activations, at most a GiB: streams beyond that only make groups larger than
 * helps. More or less than that where the run could not do otherwise.
 * @param most bytes that the backend could ever use, for the remedy.
 * @throws MemoryBudgetError when memory is short of `smallestMemory`.
 */
export function planMemory(memoryBytes: number, needs: MemoryNeeds = nothing, most: number = Infinity): MemoryPlan {
  const smallest = smallestMemory(needs);
  if (memoryBytes < smallest) {
    throw new MemoryBudgetError(
      `this run needs ${mebibytes(smallest)} MiB at the least and has ${Math.floor(memoryBytes / 2 ** 20)} MiB: ${mebibytes(needs.weightBytes)} MiB for the largest piece of weights, ${mebibytes(needs.activationBytes)} MiB for activations.`,
      {
        remedy:
          smallest <= most
            ? `Raise --memory to ${mebibytes(smallest)}MB or more, or lower --chunk.`
            : `This backend is limited to ${most / 2 ** 30} GiB. Lower --chunk.`,
      },
    );
  }
  const usable = memoryBytes * (1 - SLACK);
  const wanted = Math.max(needs.activationBytes, Math.min(memoryBytes / 4, 2 ** 30));
  const activationBytes = Math.min(wanted, usable - needs.weightBytes);
  return { activationBytes, weightBytes: usable - activationBytes };
}

/**
 * What the plan's weight budget leaves when the whole model is packed: room for the streams that a
 * search keeps from step to step. A tenth stays free for holes between them.
 */
export function spareBytes(source: WeightSource, plan: MemoryPlan): number {
  const { total } = countParameters(source);
  const { vocabSize, hiddenSize, tieWordEmbeddings } = source.config;
  // An embedding of its own is read row by row and never packed.
  const packed = 4 * (tieWordEmbeddings ? total : total - vocabSize * hiddenSize);
  return Math.max(0, 0.9 * (plan.weightBytes - 1.02 * packed));
}

/** The fewest bytes with which `planMemory` meets `needs`. */
export function smallestMemory({ weightBytes, activationBytes }: MemoryNeeds): number {
  return Math.ceil((weightBytes + activationBytes) / (1 - SLACK));
}

/**
 * What a sweep of `candidates` streams over chunks of `chunk` tokens needs at the least, on so
 * many threads.
 */
export function memoryNeeds(source: WeightSource, chunk: number, candidates: number, threads: number): MemoryNeeds {
  const { config, tensors } = source;
  const elements = (name: string): number => (tensors.get(name)?.shape ?? [0]).reduce((a, b) => a * b, 1);
  const blocks = walkOf(config).map((id) => {
    return blockTensorNames(config, id).reduce((sum, name) => sum + 4 * elements(name), 0);
  });
  const tile = Math.min(HEAD_TILE, config.vocabSize) * config.hiddenSize * 4;
  // What is always there: the rotary table and the final norm.
  const resident = (config.rope === null ? 0 : chunk * config.headDim * 4) + 2 * config.hiddenSize * 4;
  // What a thread's kernel wants for itself: one head's keys, values and some rows of scores, or a
  // tile of logits.
  const scratch = threads * Math.max(chunk * (2 * config.headDim + 16) * 4, 2 ** 17);
  return {
    weightBytes: blocks.reduce((a, b) => Math.max(a, b), tile),
    activationBytes: chunkBytes(config, chunk, candidates) + resident + scratch,
  };
}

/**
 * Chunks a sweep of `candidates` streams can carry at once.
 * @throws MemoryBudgetError when not even one fits.
 */
export function planGroup(config: ModelConfig, chunk: number, candidates: number, activationBytes: number): number {
  const perChunk = chunkBytes(config, chunk, candidates);
  const groups = Math.floor(activationBytes / perChunk);
  if (groups < 1) {
    throw new MemoryBudgetError(
      `${candidates + 2} streams of a chunk of ${chunk} tokens take ${mebibytes(perChunk)} MiB, the budget leaves ${Math.floor(activationBytes / 2 ** 20)} MiB.`,
      { remedy: 'Raise --memory or lower --chunk.' },
    );
  }
  return groups;
}

/**
 * How many streams of `chunks` chunks may pass a block together (bundles.ts), where `planGroup`
 * gave room for `group` chunks: as many as the backend wants stacked, and as the chunks that are
 * not there leave room for. A full group has rows enough without, so no more memory is ever asked
 * for; short of it, bundles are smaller, down to one stream.
 */
export function planBundle(
  { config, backend }: Pick<Transformer, 'config' | 'backend'>,
  chunk: number,
  candidates: number,
  group: number,
  chunks: number,
): number {
  const room = group * chunkBytes(config, chunk, candidates) - chunks * chunk * streamBytes(config, candidates);
  const fitting = Math.floor(room / (chunks * chunk * footprint(config).bytesPerRow));
  return Math.max(1, Math.min(fitting, bundleSize(config, chunks * chunk, backend.stackBytes)));
}

/**
 * Bytes of one chunk's streams and of what a block holds while it runs on one of them, or the head
 * of all.
 */
function chunkBytes(config: ModelConfig, chunk: number, candidates: number): number {
  const head = 4 * (candidates + 1) * (config.hiddenSize + HEAD_SUMS);
  return chunk * Math.max(streamBytes(config, candidates) + footprint(config).bytesPerRow, head);
}

/**
 * Bytes of a token in all streams: a fork for each candidate, the unpruned one, and one more while
 * that moves on.
 */
function streamBytes({ hiddenSize }: ModelConfig, candidates: number): number {
  return 4 * (candidates + 2) * (hiddenSize + 6);
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
