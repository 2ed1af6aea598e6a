import { CONTROL_BYTES, EPOCH, FAILED, PENDING, readJob, runShare } from './job.ts';
import { instantiateKernels, type Lanes } from './kernels.ts';
import type { WasmMemory, WasmModule } from './webAssembly.ts';

/** What a worker is started with. */
export interface WorkerStart {
  /** Together they have all kernels. */
  modules: readonly WasmModule[];
  memory: WasmMemory;
  /** Which part of every job is this worker's: 1 … threads − 1. */
  part: number;
  lanes: Lanes;
}

/**
 * How often a waiting thread looks before it sleeps: some tens of microseconds, the usual gap
 * between two kernels.
 */
const SPINS = 2_000;

/**
 * A worker's life: waits for jobs in the shared memory and runs its part of each, until told to
 * stop.
 */
export function workerLoop(start: WorkerStart, ready: () => void): void {
  const { buffer } = start.memory;
  const kernels = instantiateKernels(start.modules, start.memory, start.lanes);
  const control = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
  let epoch = Atomics.load(control, EPOCH);
  ready();
  for (;;) {
    waitWhile(control, EPOCH, epoch);
    epoch = Atomics.load(control, EPOCH);
    const job = readJob(buffer);
    if (job === null) return;
    try {
      runShare(buffer, job, kernels, start.part);
    } catch {
      Atomics.store(control, FAILED, 1);
    }
    if (Atomics.sub(control, PENDING, 1) === 1) Atomics.notify(control, PENDING);
  }
}

/** Returns once control[index] is no longer `value`: looks a little while, then sleeps. */
export function waitWhile(control: Int32Array, index: number, value: number): void {
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(control, index) !== value) return;
  while (Atomics.load(control, index) === value) Atomics.wait(control, index, value);
}
