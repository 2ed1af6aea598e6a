import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SpawnWorker } from '../backends/simd/threadPool.ts';

/** From a checkout this file is .ts and runs as it is; from dist/ it is .js. The worker's entry lies beside it. */
const entry = new URL(`./kernelWorker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Starts a kernel thread with node:worker_threads. It does not keep the process alive. */
export const nodeSpawnWorker: SpawnWorker = async (start) => {
  // None of the process's own flags: --input-type, for one, would be refused.
  const worker = new Worker(entry, { workerData: start, execArgv: [] });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await once(worker, 'message');
  worker.unref();
  // What ends it is told by its end; an 'error' that nobody hears would end the process.
  worker.on('error', () => {});
  return { ended, hold: () => worker.ref() };
};
