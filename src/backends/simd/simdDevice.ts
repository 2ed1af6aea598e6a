import type { Allocation, Arena } from './arena.ts';
import { CONTROL_BYTES } from './job.ts';
import { kernelNames, type KernelName } from './kernels.ts';
import { SimdTensor } from './simdTensor.ts';
import type { ThreadPool } from './threadPool.ts';

/** Below this much work (about multiply-adds) a kernel runs on the calling thread: waking another costs more. */
const MIN_THREADED_WORK = 200_000;

/** How a kernel call is split. */
export interface Split {
  units: number;
  /** Ranges begin at multiples of this. */
  align: number;
  /** Rough multiply-adds a unit, to decide whether threads pay. */
  costPerUnit: number;
  /** Which argument is the thread's scratch, and how many floats of it the kernel needs. */
  scratchArgument?: number;
  scratchFloats?: number;
}

/** Memory and threads of the SIMD backend: what scopes and the backend share. Keeps addresses, never views. */
export class SimdDevice {
  readonly memory: WebAssembly.Memory;
  readonly arena: Arena;
  readonly pool: ThreadPool;
  /** Scratch a thread has from the start, in floats; longer rows take scratch from the arena. */
  readonly #scratchFloats: number;

  constructor(memory: WebAssembly.Memory, arena: Arena, pool: ThreadPool, scratchFloats: number) {
    this.memory = memory;
    this.arena = arena;
    this.pool = pool;
    this.#scratchFloats = scratchFloats;
  }

  floats(offset: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, offset, length);
  }

  make(rows: number, cols: number, lifetime: 'short' | 'long'): SimdTensor {
    const allocation = this.arena.allocate(rows * cols * 4, lifetime);
    return new SimdTensor(rows, cols, allocation.offset, allocation, null);
  }

  view(source: SimdTensor, rows: number, cols: number, offset: number): SimdTensor {
    return new SimdTensor(rows, cols, offset, null, source.owner);
  }

  /** Marks a live handle dead; a view gives no memory back. */
  release(handle: SimdTensor): void {
    handle.freed = true;
    if (handle.allocation !== null) this.arena.release(handle.allocation);
  }

  copy(to: number, from: number, bytes: number): void {
    new Uint8Array(this.memory.buffer, to, bytes).set(new Uint8Array(this.memory.buffer, from, bytes));
  }

  /** A kernel whose units are rows. */
  runRows(kernel: KernelName, args: readonly number[], rows: number, costPerUnit: number, align = 1): void {
    this.run(kernel, args, { units: rows, align, costPerUnit });
  }

  run(kernel: KernelName, args: readonly number[], split: Split): void {
    const worthIt = split.units * split.costPerUnit >= MIN_THREADED_WORK && split.units > split.align;
    const needed = split.scratchFloats ?? 0;
    const job = {
      kernel: kernelNames.indexOf(kernel),
      args,
      units: split.units,
      align: split.align,
      parts: worthIt ? this.pool.threads : 1,
      scratchArgument: split.scratchArgument ?? -1,
    };
    if (needed <= this.#scratchFloats) {
      this.pool.run(job);
      return;
    }
    // A row too long for the threads' own scratch (a context beyond it): one thread, with scratch from the arena.
    const scratch: Allocation = this.arena.allocate(needed * 4, 'short');
    const own = [...args];
    own[job.scratchArgument] = scratch.offset;
    this.pool.run({ ...job, args: own, parts: 1, scratchArgument: -1 });
    this.arena.release(scratch);
  }
}

/** Byte addresses of `threads` scratch areas of `floats` floats after the control block, and where they end. */
export function layoutScratch(threads: number, floats: number): { scratch: number[]; end: number } {
  const stride = Math.ceil((floats * 4) / 64) * 64;
  const scratch = Array.from({ length: threads }, (_, thread) => CONTROL_BYTES + thread * stride);
  return { scratch, end: CONTROL_BYTES + threads * stride };
}
