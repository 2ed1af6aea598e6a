import { UnsupportedBackendError } from '../../errors.ts';
import { CONTROL_BYTES, EPOCH, FAILED, PENDING, runShare, writeJob, writeStop, type Job } from './job.ts';
import { instantiateKernels, type Kernel, type Lanes } from './kernels.ts';
import { waitWhile, type WorkerStart } from './workerLoop.ts';

/** Starts a worker that runs `workerLoop(start)`; resolves when it is ready. Node's and the browser's differ. */
export type SpawnWorker = (start: WorkerStart) => Promise<WorkerHandle>;
export interface WorkerHandle {
  /** Resolves when the worker has ended after the stop order. */
  ended(): Promise<void>;
}

/** The main thread and its workers over one shared memory: runs a kernel split into ranges and returns when all are done. */
export class ThreadPool {
  readonly threads: number;
  readonly lanes: Lanes;
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: Kernel[];
  readonly #workers: WorkerHandle[];

  private constructor(memory: WebAssembly.Memory, kernels: Kernel[], lanes: Lanes, workers: WorkerHandle[]) {
    this.#memory = memory;
    this.#kernels = kernels;
    this.#workers = workers;
    this.lanes = lanes;
    this.threads = workers.length + 1;
  }

  /** @param threads how many there will be, the caller's own included. */
  static async start(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
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
    const starts = Array.from({ length: threads - 1 }, (_, index) => ({ module, memory, part: index + 1, lanes }));
    const workers = spawn === null ? [] : await Promise.all(starts.map((start) => spawn(start)));
    return new ThreadPool(memory, instantiateKernels(module, memory, lanes), lanes, workers);
  }

  /**
   * Runs `job` on as many threads as it names. The caller sleeps while it waits, so this must not be the page's
   * main thread in a browser.
   */
  run(job: Job): void {
    const { buffer } = this.#memory;
    writeJob(buffer, job);
    if (job.parts <= 1) {
      runShare(buffer, job, this.#kernels, 0);
      return;
    }
    const control = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
    this.#wake(control);
    runShare(buffer, job, this.#kernels, 0);
    for (;;) {
      const pending = Atomics.load(control, PENDING);
      if (pending === 0) break;
      waitWhile(control, PENDING, pending);
    }
    if (Atomics.exchange(control, FAILED, 0) !== 0) throw new Error('simd: a kernel failed on a worker thread');
  }

  async stop(): Promise<void> {
    if (this.#workers.length === 0) return;
    writeStop(this.#memory.buffer);
    this.#wake(new Int32Array(this.#memory.buffer, 0, CONTROL_BYTES / 4));
    await Promise.all(this.#workers.map((worker) => worker.ended()));
  }

  #wake(control: Int32Array): void {
    Atomics.store(control, PENDING, this.#workers.length);
    Atomics.add(control, EPOCH, 1);
    Atomics.notify(control, EPOCH);
  }
}
