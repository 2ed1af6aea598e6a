import type { SpawnWorker } from '../backends/simd/threadPool.ts';
import { UnsupportedBackendError } from '../errors.ts';

/** A module of its own beside this one, in the bundle as well as in dist/web. */
const entry = new URL(/* the name is fixed by src/web/bundle */ './kernelThread.js', import.meta.url);

/**
 * Starts a kernel thread as a worker of this worker. Memory can only be shared where the page is
 * cross-origin isolated.
 */
export const webSpawnWorker: SpawnWorker = async (start) => {
  const worker = new Worker(entry, { type: 'module' });
  const ended = message(worker, 'ended');
  // Who waits for the end hears of a failure there.
  ended.catch(() => {});
  const ready = message(worker, 'ready');
  // A worker takes no target origin; a window does.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  worker.postMessage(start);
  await ready;
  return { ended, hold: () => {} };
};

function message(worker: Worker, wanted: 'ready' | 'ended'): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => {
      if (data === wanted) resolve();
    });
    worker.addEventListener('error', ({ message: reason }) => {
      reject(
        new UnsupportedBackendError(`a kernel thread failed: ${reason ?? 'it could not be loaded'}.`, {
          where: 'simd',
        }),
      );
    });
  });
}
