/**
 * `npm run fuzz -- [--files N] [--seed S] [--only TARGET] [--batch B]`: damaged files for every
 * parser, on all cores. Ends with 1 where a file crashed a parser, was read wrongly, or took more
 * than half a minute.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { BATCH, shares, targets, type Count } from './fuzz.ts';
import type { Job, Said } from './worker.ts';

/** Milliseconds a file may take; they take well under one on a quiet machine. */
const PATIENCE = 30_000;

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    batch: { type: 'string' },
  },
});
const chosen = targets.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  console.error(`there is no target '${values.only}'. Targets: ${targets.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const counts = new Map<string, Count>(chosen.map(({ name }) => [name, { read: 0, refused: 0, faults: [] }]));
const jobs = allJobs();
const started = performance.now();
await Promise.all(Array.from({ length: availableParallelism() }, work));
report();

function allJobs(): Job[] {
  const seed = Number(values.seed);
  if (values.batch !== undefined) {
    return chosen.map(({ name }) => ({ target: name, seed, number: Number(values.batch), count: BATCH }));
  }
  const all: Job[] = [];
  for (const [{ name }, files] of shares(Number(values.files), chosen)) {
    for (let number = 0; number * BATCH < files; number++) {
      all.push({ target: name, seed, number, count: Math.min(BATCH, files - number * BATCH) });
    }
  }
  // Round and round the targets, so that a run that is stopped has seen them all.
  return all.toSorted((a, b) => a.number - b.number);
}

/**
 * One worker takes jobs until there are none left; one that hangs is ended and another takes its
 * place.
 */
async function work(): Promise<void> {
  while (jobs.length > 0) await untilItEnds(new Worker(new URL('worker.ts', import.meta.url)));
}

function untilItEnds(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    let job: Job | undefined;
    let file = '';
    let heard = performance.now();
    const next = (): void => {
      job = jobs.shift();
      if (job === undefined) {
        end();
        return;
      }
      // A worker of Node, which has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      worker.postMessage(job);
    };
    const end = (fault?: string): void => {
      clearInterval(watch);
      if (fault !== undefined && job !== undefined) counts.get(job.target)?.faults.push(fault);
      void worker.terminate().then(() => resolve());
    };
    const watch = setInterval(() => {
      if (performance.now() - heard > PATIENCE) end(`${file}: took more than ${PATIENCE / 1000} seconds`);
    }, 1000);
    worker.on('error', (error) => end(`${file}: ended the process: ${error.message}`));
    worker.on('message', (said: Said) => {
      heard = performance.now();
      if ('file' in said) {
        file = said.file;
        return;
      }
      add(said.target, said.count);
      next();
    });
    next();
  });
}

function add(name: string, { read, refused, faults }: Count): void {
  const count = counts.get(name);
  if (count === undefined) return;
  count.read += read;
  count.refused += refused;
  count.faults.push(...faults);
}

function report(): void {
  let [files, faults] = [0, 0];
  for (const [name, count] of counts) {
    files += count.read + count.refused + count.faults.length;
    faults += count.faults.length;
    console.log(`${name.padEnd(12)} ${count.read} read, ${count.refused} refused, ${count.faults.length} faults`);
  }
  for (const { faults: found } of counts.values()) for (const fault of found.slice(0, 3)) console.log(fault);
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`${files} files in ${seconds} s, seed ${values.seed}: ${faults} faults`);
  process.exitCode = faults === 0 ? 0 : 1;
}
