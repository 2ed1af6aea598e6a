/**
 * How the main thread tells workers what to do: a control block at the start of the shared
 * WebAssembly memory. A job is one kernel call split into ranges of units (rows, elements, heads).
 * The threads, the main one included, each take the next range until none is left, so that one
 * whose processor has other work to do as well takes fewer. No kernel's result depends on how its
 * units are cut.
 */
import type { Kernel } from './kernels.ts';

/**
 * Bytes at the start of the memory that belong to the control block (the kernels have no static
 * data).
 */
export const CONTROL_BYTES = 1024;

/** Indices into the control block seen as Int32Array. */
export const EPOCH = 0;
export const PENDING = 1;
export const FAILED = 2;
const KERNEL = 4;
const UNITS = 5;
const ALIGN = 6;
const PARTS = 7;
const ARGUMENT_COUNT = 8;
const SCRATCH_ARGUMENT = 9;
const SCRATCH_STRIDE = 10;
/** The first unit that nobody has taken. */
const NEXT = 11;
/** Index into the control block seen as Float64Array: the arguments. */
const ARGUMENTS = 16;

/** KERNEL value that ends a worker. */
const STOP = -1;

export interface Job {
  kernel: number;
  args: readonly number[];
  /** The range 0 … units is split among threads at multiples of `align`. */
  units: number;
  align: number;
  /** How many threads take part, the main thread being part 0. */
  parts: number;
  /**
   * Which argument is the address of scratch memory, or −1. Part p's own scratch begins p ·
   * scratchStride bytes after it.
   */
  scratchArgument: number;
  scratchStride: number;
}

export function writeJob(buffer: ArrayBufferLike, job: Job): void {
  const ints = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
  ints[KERNEL] = job.kernel;
  ints[UNITS] = job.units;
  ints[ALIGN] = job.align;
  ints[PARTS] = job.parts;
  ints[ARGUMENT_COUNT] = job.args.length;
  ints[SCRATCH_ARGUMENT] = job.scratchArgument;
  ints[SCRATCH_STRIDE] = job.scratchStride;
  ints[NEXT] = 0;
  new Float64Array(buffer, 0, CONTROL_BYTES / 8).set(job.args, ARGUMENTS);
}

export function writeStop(buffer: ArrayBufferLike): void {
  new Int32Array(buffer, 0, CONTROL_BYTES / 4)[KERNEL] = STOP;
}

/** The job in the control block, or null for the order to stop. */
export function readJob(buffer: ArrayBufferLike): Job | null {
  const ints = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
  if (ints[KERNEL] === STOP) return null;
  const args = new Float64Array(buffer, ARGUMENTS * 8, ints[ARGUMENT_COUNT]);
  return {
    kernel: ints[KERNEL],
    args: [...args],
    units: ints[UNITS],
    align: ints[ALIGN],
    parts: ints[PARTS],
    scratchArgument: ints[SCRATCH_ARGUMENT],
    scratchStride: ints[SCRATCH_STRIDE],
  };
}

/** Runs ranges of the job in the control block until none is left, as its thread number `part`. */
export function runShare(buffer: ArrayBufferLike, job: Job, kernels: readonly Kernel[], part: number): void {
  if (part >= job.parts) return;
  const args = [...job.args];
  if (job.scratchArgument >= 0) args[job.scratchArgument] += part * job.scratchStride;
  const ints = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
  for (;;) {
    const from = Atomics.load(ints, NEXT);
    if (from >= job.units) return;
    const to = endOfRange(job, from);
    if (Atomics.compareExchange(ints, NEXT, from, to) === from) kernels[job.kernel](...args, from, to);
  }
}

/**
 * Ranges shrink along the way (guided self-scheduling, Polychronopoulos & Kuck 1987): long ones
 * first, because a kernel goes through its weights once a range, and short ones last, so that all
 * threads finish together.
 */
function endOfRange({ units, align, parts }: Job, from: number): number {
  if (parts === 1) return units;
  const length = Math.max((units - from) / (2 * parts), units / (16 * parts));
  return Math.min(units, from + Math.ceil(length / align) * align);
}
