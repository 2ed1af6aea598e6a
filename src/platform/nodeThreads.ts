import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SpawnWorker } from '../backends/simd/threadPool.ts';
import type { WorkerStart } from '../backends/simd/workerLoop.ts';
import { UnsupportedBackendError } from '../errors.ts';
import { kernelWorkerEntry } from './kernelWorkerEntry.ts';

/**
 * Starts a kernel thread with node:worker_threads. It does not keep the process alive.
 * @throws UnsupportedBackendError where it does not start.
 */
export const nodeSpawnWorker: SpawnWorker = async (start) => {
  const worker = startWorker(start);
  const ended = once(worker, 'exit');
  // What ends it is told by its end; an 'error' that nobody hears would end the process.
  worker.on('error', () => {});
  ended.catch(() => {});
  try {
    await Promise.race([once(worker, 'message'), ended.then(() => Promise.reject(new Error('it ended at once')))]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new UnsupportedBackendError(`a kernel thread does not start: ${reason}.`, {
      where: 'simd',
      remedy: 'Use --threads 1.',
      cause,
    });
  }
  worker.unref();
  return { ended, hold: () => worker.ref() };
};

function startWorker(start: WorkerStart): Worker {
  // None of the process's own flags: --input-type, for one, would be refused.
  const options = { workerData: start, execArgv: [] };
  if ('code' in kernelWorkerEntry) return new Worker(kernelWorkerEntry.code, { ...options, eval: true });
  return new Worker(kernelWorkerEntry.file, options);
}
