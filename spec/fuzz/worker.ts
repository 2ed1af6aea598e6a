/** Feeds the batches it is sent, one after the other. */
import { parentPort } from 'node:worker_threads';
import { feedBatch, targets, type Count } from './fuzz.ts';

export interface Job {
  target: string;
  seed: number;
  number: number;
  count: number;
}
export type Said = { file: string } | { target: string; count: Count };

const port = parentPort ?? missing();
const say = (said: Said): void => port.postMessage(said);

function missing(): never {
  throw new Error('worker.ts runs in a worker');
}

async function take(job: Job): Promise<void> {
  const target = targets.find(({ name }) => name === job.target);
  if (target === undefined) throw new Error(`no target ${job.target}`);
  say({ target: job.target, count: await feedBatch(target, job, (file) => say({ file })) });
}

port.on('message', (job: Job) => void take(job));
