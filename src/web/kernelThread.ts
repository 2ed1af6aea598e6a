/** Entry of a kernel thread in a browser: a dedicated worker. */
import { workerLoop, type WorkerStart } from '../backends/simd/workerLoop.ts';

addEventListener('message', ({ data }: MessageEvent<WorkerStart>) => {
  workerLoop(data, () => postMessage('ready'));
  postMessage('ended');
  close();
});
