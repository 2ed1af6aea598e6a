/** What this machine can do at most, as tasks that run among the others, in the same rounds. */
import type { Lanes } from '../src/backends/simd/kernels.ts';
import { BYTES_PER_TURN, FLOPS_PER_TURN, peakKernels } from './peakModule.ts';

/**
 * `fma`: arithmetic with relaxed_madd, `mulAdd`: the same as two instructions, and both in eight lanes where the engine joins
 * vectors. The others: bytes read, or read and written.
 */
export type PeakName = 'fma' | 'mulAdd' | 'fma8' | 'mulAdd8' | 'readCache' | 'copyCache' | 'readMemory' | 'copyMemory';

export interface PeakTask {
  name: PeakName;
  what: string;
  /** What one call does, in billions of operations or bytes. */
  amount: number;
  unit: 'GFLOP/s' | 'GB/s';
  run: () => unknown;
}

/** A call takes some tens of microseconds. */
const TURNS = 3_000;
/** Kernels of a model's usual shapes work on a few MiB, which stay in the last cache; weights do not. */
const CACHE_BYTES = 4 * 2 ** 20;
const MEMORY_BYTES = 64 * 2 ** 20;

/**
 * One thread's peaks; `lanes` is the most that vectors have here. In quick mode the memory is small, so that the last two say
 * nothing.
 */
export function peakTasks(quick: boolean, lanes: Lanes): PeakTask[] {
  const memoryBytes = quick ? CACHE_BYTES : MEMORY_BYTES;
  const tasks: PeakTask[] = [];
  for (const name of ['fma', 'mulAdd'] as const) {
    const kernels = peakKernels(name === 'fma', 0);
    if (kernels === null) continue;
    const what = name === 'fma' ? 'fused multiply-add' : 'multiply, then add';
    const amount = (TURNS * FLOPS_PER_TURN) / 1e9;
    tasks.push({ name, what: `${what}, f32x4`, amount, unit: 'GFLOP/s', run: () => kernels.fma(TURNS) });
    if (lanes === 4) continue;
    const run = (): void => kernels.fmaPairs(0, TURNS);
    tasks.push({ name: `${name}8`, what: `${what}, f32x8`, amount: 2 * amount, unit: 'GFLOP/s', run });
  }
  const kernels = peakKernels(false, 2 * memoryBytes);
  if (kernels === null) return tasks;
  // Untouched pages are all one page of zeros, which sits in the first cache.
  kernels.copy(0, memoryBytes, memoryBytes);
  kernels.copy(memoryBytes, 0, memoryBytes);
  const sizes = { Cache: CACHE_BYTES, Memory: memoryBytes };
  for (const place of ['Cache', 'Memory'] as const) {
    const bytes = sizes[place] - (sizes[place] % BYTES_PER_TURN);
    const size = `${bytes / 2 ** 20} MiB`;
    tasks.push({
      name: `read${place}`,
      what: `read ${size}`,
      amount: bytes / 1e9,
      unit: 'GB/s',
      run: () => kernels.read(0, bytes),
    });
    tasks.push({
      name: `copy${place}`,
      what: `copy ${size}, read + written`,
      amount: (2 * bytes) / 1e9,
      unit: 'GB/s',
      run: () => kernels.copy(memoryBytes, 0, bytes),
    });
  }
  return tasks;
}
