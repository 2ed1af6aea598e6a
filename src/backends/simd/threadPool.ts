import { UnsupportedBackendError } from '../../errors.ts';
import { Running } from '../running.ts';
import { CONTROL_BYTES, EPOCH, FAILED, PENDING, runShare, writeJob, writeStop, type Job } from './job.ts';
import { instantiateKernels, type Kernel, type Lanes } from './kernels.ts';
import { waitWhile, type WorkerStart } from './workerLoop.ts';
import type { WasmMemory, WasmModule } from './webAssembly.ts';

/**
 * Starts a worker that runs `workerLoop(start)`; resolves when it is ready. Node's and the
 * browser's differ.
 */
export type SpawnWorker = (start: WorkerStart) => Promise<WorkerHandle>;
export interface WorkerHandle {
  /** Resolves when the worker has ended: after the stop order, or by itself. */
  readonly ended: Promise<unknown>;
  /** Keeps the process alive until the worker has ended. */
  hold(): void;
}

/**
 * The main thread and its workers over one shared memory: runs a kernel split into ranges and
 * returns when all are done.
 */
export class ThreadPool {
  readonly threads: number;
  readonly lanes: Lanes;
  readonly running: Running = new Running('simd');
  #memory: WasmMemory | null;
  #kernels: readonly Kernel[];
  readonly #workers: readonly WorkerHandle[];

  private constructor(memory: WasmMemory, kernels: Kernel[], lanes: Lanes, workers: WorkerHandle[]) {
    this.#memory = memory;
    this.#kernels = kernels;
    this.#workers = workers;
    this.lanes = lanes;
    this.threads = workers.length + 1;
    for (const { ended } of workers) {
      // A job shared with a thread that is gone would be waited for without end.
      const gone = (): void => this.running.fail(threadEnded());
      ended.then(gone, gone);
    }
  }

  /**
   * @param threads how many there will be, the caller's own included.
   * @throws UnsupportedBackendError where there are no threads, and what `spawn` throws; then none
   * is left.
   */
  static async start(
    modules: readonly WasmModule[],
    memory: WasmMemory,
    lanes: Lanes,
    threads: number,
    spawn: SpawnWorker | null,
  ): Promise<ThreadPool> {
    if (threads > 1 && spawn === null) {
      throw new UnsupportedBackendError('threads are not available here.', {
        where: 'simd',
        remedy: 'Use --threads 1.',
      });
    }
    const starts = Array.from({ length: threads - 1 }, (_, index) => ({ modules, memory, part: index + 1, lanes }));
    const spawned = await Promise.allSettled(spawn === null ? [] : starts.map((start) => spawn(start)));
    const workers = spawned.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const pool = new ThreadPool(memory, instantiateKernels(modules, memory, lanes), lanes, workers);
    const failed = spawned.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) {
      await pool.stop();
      throw failed.reason;
    }
    return pool;
  }

  /** @throws DisposedError after `stop`. */
  get memory(): WasmMemory {
    this.running.expect();
    if (this.#memory === null) throw new Error('simd: memory is dropped before the pool has stopped');
    return this.#memory;
  }

  /**
   * Runs `job` on as many threads as it names. The caller sleeps while it waits, so this must not
   * be the page's main thread in a browser.
   * @throws DisposedError after `stop`, UnsupportedBackendError where a thread has ended by itself.
   */
  run(job: Job): void {
    const { buffer } = this.memory;
    writeJob(buffer, job);
    if (job.parts <= 1) {
      runShare(buffer, job, this.#kernels, 0);
      return;
    }
    const control = controlOf(buffer);
    this.#wake(control);
    try {
      runShare(buffer, job, this.#kernels, 0);
    } finally {
      // Also after an error: the others must have read this job before the next one is written.
      for (let pending = Atomics.load(control, PENDING); pending !== 0; pending = Atomics.load(control, PENDING)) {
        waitWhile(control, PENDING, pending);
      }
    }
    if (Atomics.exchange(control, FAILED, 0) !== 0) throw new Error('simd: a kernel failed on a worker thread');
  }

  /**
   * Ends the workers and drops the memory; every later use throws. Resolves when they have ended.
   */
  stop(): Promise<void> {
    return this.running.end(async () => {
      const memory = this.#memory;
      this.#memory = null;
      this.#kernels = [];
      if (memory === null || this.#workers.length === 0) return;
      writeStop(memory.buffer);
      this.#wake(controlOf(memory.buffer));
      for (const worker of this.#workers) worker.hold();
      await Promise.allSettled(this.#workers.map(({ ended }) => ended));
    });
  }

  #wake(control: Int32Array): void {
    Atomics.store(control, PENDING, this.#workers.length);
    Atomics.add(control, EPOCH, 1);
    Atomics.notify(control, EPOCH);
  }
}

function controlOf(buffer: ArrayBufferLike): Int32Array {
  return new Int32Array(buffer, 0, CONTROL_BYTES / 4);
}

function threadEnded(): UnsupportedBackendError {
  return new UnsupportedBackendError('a kernel thread ended by itself.', {
    where: 'simd',
    remedy: 'Open the backend again, or use --threads 1.',
  });
}
