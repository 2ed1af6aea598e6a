import type { Floats } from '../../ops/floats.ts';
import type { Allocation, Arena } from './arena.ts';
import { kernelId, type KernelName } from './kernels.ts';
import { packPanels, packTransposedPanels, panelFloats } from './packPanels.ts';
import { SimdLinear, SimdTensor } from './simdTensor.ts';
import type { ThreadPool } from './threadPool.ts';
import type { WasmMemory } from './webAssembly.ts';

/**
 * Below this much work (about multiply-adds) a kernel runs on the calling thread: waking another
 * costs more.
 */
const MIN_THREADED_WORK = 200_000;

/** Two threads' scratch must not share one. */
const CACHE_LINE = 64;

/** How a kernel call is split. */
export interface Split {
  units: number;
  /** Ranges begin at multiples of this. */
  align: number;
  /** Rough multiply-adds a unit, to decide whether threads pay. */
  costPerUnit: number;
  /** Which argument is scratch memory, and how many floats of it each thread needs. */
  scratchArgument?: number;
  scratchFloats?: number;
}

/**
 * Memory and threads of the SIMD backend: what scopes and the backend share. Keeps addresses, never
 * views.
 */
export class SimdDevice {
  readonly arena: Arena;
  readonly pool: ThreadPool;

  constructor(arena: Arena, pool: ThreadPool) {
    this.arena = arena;
    this.pool = pool;
  }

  /** @throws DisposedError after the backend was disposed. */
  get memory(): WasmMemory {
    return this.pool.memory;
  }

  /** @throws DisposedError after the backend was disposed. */
  expectRunning(): void {
    this.pool.running.expect();
  }

  floats(offset: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, offset, length);
  }

  make(rows: number, cols: number, lifetime: 'short' | 'long'): SimdTensor {
    this.expectRunning();
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

  /**
   * Packs W [outFeatures, inFeatures] for x Wᵀ or, `transposed`, for x W; a bias has a number for
   * each column of the result. The lengths are checked already.
   */
  pack(
    weight: Floats,
    [outFeatures, inFeatures]: readonly [number, number],
    bias: Floats | null,
    lifetime: 'short' | 'long',
    transposed = false,
  ): SimdLinear {
    this.expectRunning();
    const [n, k] = transposed ? [inFeatures, outFeatures] : [outFeatures, inFeatures];
    const length = panelFloats(n, k);
    const panels = this.arena.allocate(length * 4, lifetime);
    const packed = this.floats(panels.offset, length);
    if (transposed) packTransposedPanels(packed, weight, n, k);
    else packPanels(packed, weight, n, k);
    if (bias === null) return new SimdLinear(n, k, panels, null);
    // Whole vectors of bias are read; what lies beyond its end is never stored.
    const padded = Math.ceil(n / 8) * 8;
    const stored = this.arena.allocate(padded * 4, lifetime);
    this.floats(stored.offset, padded).fill(0);
    this.floats(stored.offset, n).set(bias);
    return new SimdLinear(n, k, panels, stored);
  }

  releaseLinear(weight: SimdLinear): void {
    weight.freed = true;
    this.arena.release(weight.panels);
    if (weight.bias !== null) this.arena.release(weight.bias);
  }

  copy(to: number, from: number, bytes: number): void {
    new Uint8Array(this.memory.buffer, to, bytes).set(new Uint8Array(this.memory.buffer, from, bytes));
  }

  /** A kernel whose units are rows. */
  runRows(kernel: KernelName, args: readonly number[], rows: number, costPerUnit: number, align = 1): void {
    this.run(kernel, args, { units: rows, align, costPerUnit });
  }

  run(kernel: KernelName, args: readonly number[], split: Split): void {
    this.expectRunning();
    const worthIt = split.units * split.costPerUnit >= MIN_THREADED_WORK && split.units > split.align;
    const parts = worthIt ? this.pool.threads : 1;
    const scratchStride = Math.ceil(((split.scratchFloats ?? 0) * 4) / CACHE_LINE) * CACHE_LINE;
    const scratch: Allocation | null = scratchStride === 0 ? null : this.arena.allocate(parts * scratchStride, 'short');
    const scratchArgument = split.scratchArgument ?? -1;
    this.pool.run({
      kernel: kernelId(kernel),
      args: scratch === null ? args : args.with(scratchArgument, scratch.offset),
      units: split.units,
      align: split.align,
      parts,
      scratchArgument,
      scratchStride,
    });
    if (scratch !== null) this.arena.release(scratch);
  }
}
