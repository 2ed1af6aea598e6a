/** Entry of a kernel thread under Node. */
import { parentPort, workerData } from 'node:worker_threads';
import { workerLoop, type WorkerStart } from '../backends/simd/workerLoop.ts';

workerLoop(workerData as WorkerStart, () => {
  // A worker thread's port takes no target origin; that is a window's.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage('ready');
});
