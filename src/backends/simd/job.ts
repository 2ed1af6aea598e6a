/**
 * How the main thread tells workers what to do: a control block at the start of the shared WebAssembly memory.
 * A job is one kernel call split into ranges of units (rows, elements, heads); all threads, the main one included,
 * work out their own range from the same numbers.
 */
import type { Kernel } from './kernels.ts';

/** Bytes at the start of the memory that belong to the control block (the kernels have no static data). */
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
  /** Which argument is the address of scratch memory, or −1. Part p's own scratch begins p · scratchStride bytes after it. */
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

/** Runs one thread's share of a job. */
export function runPart(job: Job, kernels: readonly Kernel[], part: number): void {
  const chunks = Math.ceil(job.units / job.align);
  const from = Math.floor((chunks * part) / job.parts) * job.align;
  const to = Math.min(job.units, Math.floor((chunks * (part + 1)) / job.parts) * job.align);
  if (from >= to) return;
  const args = [...job.args];
  if (job.scratchArgument >= 0) args[job.scratchArgument] += part * job.scratchStride;
  kernels[job.kernel](...args, from, to);
}
