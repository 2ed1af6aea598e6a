/** How a run's memory is shared between packed weights and activations. */
import type { Backend } from '../backends/backend.ts';
import { MemoryBudgetError } from '../errors.ts';
import { walkBytes } from '../model/footprint.ts';
import { countParameters } from '../model/parameters.ts';
import { largestPiece } from '../model/weightPieces.ts';
import type { WeightSource } from '../model/weights.ts';

/** The least that will be run at once. */
export interface Workload {
  /** Tokens of a chunk. */
  readonly chunk: number;
  /** Streams beside the unpruned one: the candidates that a sweep prices, or 1. */
  readonly streams: number;
  /** Models whose weights are held side by side, such as one and its repair; default 1. */
  readonly models?: number;
  /** Tokens that pass a block together, where they are more than a chunk's. */
  readonly rows?: number;
  /** What else the backend holds while a block runs. */
  readonly deviceBytes?: number;
  /** What is held outside the backend, which then gets so much less. */
  readonly hostBytes?: number;
  /** What more could be held there to save time: streams of a text, say. Default 0. */
  readonly streamBytes?: number;
  /** Work of the same run at another time, which has the same memory. */
  readonly also?: Workload;
}

export interface MemoryPlan {
  /** Budget for packed weights. */
  readonly weightBytes: number;
  /** Budget for residual streams and what a block needs while it runs. */
  readonly activationBytes: number;
}

/** The least that a run can do with. */
export interface MemoryNeeds {
  /** The largest block or tile of the head, packed: what must be there at once, of each model. */
  readonly weightBytes: number;
  /** One chunk's streams, and what a block needs while it runs. */
  readonly activationBytes: number;
  /** What is held outside the backend. */
  readonly hostBytes?: number;
  /** What more would be held there if there is room. It is not needed. */
  readonly streamBytes?: number;
}

/**
 * What to do about memory that is short, in the words of whoever asked for the run.
 * @param least MiB that would do; null where the backend cannot have so many.
 */
export type MemoryRemedy = (least: number | null) => string;

const plainRemedy: MemoryRemedy = (least) =>
  least === null ? 'Take shorter chunks.' : `Give ${least} MiB or more, or take shorter chunks.`;

/** What the allocator rounds up, and holes between pieces. */
const SLACK = 1 / 32;

/** The largest memory that a WebAssembly module can have. */
const WASM_BYTES = 2 ** 32;

const nothing: MemoryNeeds = { weightBytes: 0, activationBytes: 0 };

/**
 * A quarter for activations, at most a GiB: streams beyond that only make groups larger than
 * helps. More or less than that where the run could not do otherwise.
 * @param most bytes that the backend could have if it were asked to.
 * @throws MemoryBudgetError when memory is short of `smallestMemory`.
 */
export function planMemory(
  memoryBytes: number,
  needs: MemoryNeeds = nothing,
  most: number = Infinity,
  remedy: MemoryRemedy = plainRemedy,
): MemoryPlan {
  const { hostBytes = 0 } = needs;
  const smallest = smallestMemory(needs);
  if (memoryBytes < smallest) {
    const host = hostBytes === 0 ? '' : `, ${mebibytes(hostBytes)} MiB beside the backend`;
    const limit = smallest <= most ? '' : `, and this backend is limited to ${most / 2 ** 30} GiB`;
    throw new MemoryBudgetError(
      `this run needs at least ${mebibytes(smallest)} MiB of memory and has ${Math.floor(memoryBytes / 2 ** 20)} MiB: ${mebibytes(needs.weightBytes)} MiB for the largest piece of weights, ${mebibytes(needs.activationBytes)} MiB for activations${host}${limit}.`,
      { remedy: remedy(smallest <= most ? mebibytes(smallest) : null) },
    );
  }
  const usable = (memoryBytes - hostBytes) * (1 - SLACK);
  const wanted = Math.max(needs.activationBytes, Math.min(memoryBytes / 4, 2 ** 30));
  const activationBytes = Math.min(wanted, usable - needs.weightBytes);
  return { activationBytes, weightBytes: usable - activationBytes };
}

/** The fewest bytes with which `planMemory` meets `needs`. */
export function smallestMemory({ weightBytes, activationBytes, hostBytes = 0 }: MemoryNeeds): number {
  return Math.ceil((weightBytes + activationBytes) / (1 - SLACK)) + hostBytes;
}

/** The most bytes that a backend of this kind could be opened with. */
export function mostMemory({ name }: Pick<Backend, 'name'>): number {
  return name === 'simd' ? WASM_BYTES : Infinity;
}

/**
 * Host memory for streams that are kept: as much as the run would like, but no more than a quarter
 * of what it does not need, or what the backend cannot have.
 * @param capacityBytes of the backend.
 */
export function planStreams(memoryBytes: number, needs: MemoryNeeds, capacityBytes: number): number {
  const { hostBytes = 0, streamBytes = 0 } = needs;
  const share = Math.floor((memoryBytes - smallestMemory(needs)) / 4);
  const outOfReach = memoryBytes - hostBytes - capacityBytes;
  return Math.max(0, Math.min(streamBytes, Math.max(share, outOfReach)));
}

/**
 * What a sweep over one chunk cannot do without, on this backend with its threads; where there is
 * other work in the same memory, the larger need of each kind.
 */
export function memoryNeeds(
  source: WeightSource,
  workload: Workload,
  backend: Pick<Backend, 'nllRowBytes' | 'scratchBytes'>,
): Required<MemoryNeeds> {
  const { chunk, streams, models = 1, rows = chunk, deviceBytes = 0, hostBytes = 0, streamBytes = 0 } = workload;
  const { config } = source;
  // What is always there: the rotary table and the final norm.
  const resident = (config.rope === null ? 0 : chunk * config.headDim * 4) + 2 * config.hiddenSize * 4;
  const activations = rows * walkBytes(config, streams + 1, backend.nllRowBytes) + deviceBytes;
  const needs = {
    weightBytes: models * largestPiece(source).bytes,
    activationBytes: activations + models * resident + backend.scratchBytes(chunk, config.headDim),
    hostBytes,
    streamBytes,
  };
  if (workload.also === undefined) return needs;
  const other = memoryNeeds(source, workload.also, backend);
  return {
    weightBytes: Math.max(needs.weightBytes, other.weightBytes),
    activationBytes: Math.max(needs.activationBytes, other.activationBytes),
    hostBytes: Math.max(needs.hostBytes, other.hostBytes),
    streamBytes: Math.max(needs.streamBytes, other.streamBytes),
  };
}

/** How many models are held side by side at most. */
export function modelsOf({ models = 1, also }: Workload): number {
  return also === undefined ? models : Math.max(models, modelsOf(also));
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

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
