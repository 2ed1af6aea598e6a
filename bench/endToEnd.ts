/**
 * `npm run bench:endToEnd`: what a user waits for. Tokens a second of a forward pass, with and without the head, and of
 * generation; one step of the search in block passes and seconds, sweep against naive.
 *
 * On tiny-models/planted always; on a real model with `--model FILE.gguf`, or where BLOCKPRUNER_SHARED has one.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { availableParallelism } from 'node:os';
import type { Backend } from '../src/backends/backend.ts';
import { referenceBackend } from '../src/backends/reference/referenceBackend.ts';
import { simdBackend } from '../src/backends/simd/simdBackend.ts';
import { generate } from '../src/model/generate.ts';
import { Mask } from '../src/model/mask.ts';
import { greedy } from '../src/model/sampler.ts';
import { nextTokens, type Transformer } from '../src/model/transformer.ts';
import { nodeSpawnWorker } from '../src/platform/nodeThreads.ts';
import { nodeWidenVectors } from '../src/platform/nodeVectors.ts';
import { seededRng } from '../src/tensor/rng.ts';
import { openBenchModel, planted } from './models.ts';
import { benchOptions } from './options.ts';
import type { Row } from './document.ts';
import { record } from './results.ts';
import { figures, interleave, settle, untimed, type Timed } from './rounds.ts';
import { bySweep, checkSame, firstCandidates, naively, type Priced } from './search.ts';

interface Sizes {
  label: string;
  path: string;
  /** Tokens of the forward pass, and of the search's one chunk. */
  forward: number;
  search: number;
  /** Tokens generated after a prompt of 16. */
  generated: number;
  /** Every so many candidates is run naively, and the time of all worked out from theirs. */
  naiveEvery: number;
  rounds: number;
  memoryBytes: number;
}

interface Task extends Timed {
  name: string;
  tokens: number;
}

const PROMPT = 16;
const options = benchOptions();
const { quick } = options;
const threadCounts = [1, 2].filter((threads) => threads <= Math.max(1, availableParallelism()));

await record('endToEnd', options, async () => {
  const small: Sizes = {
    label: 'planted',
    path: planted,
    forward: 128,
    search: 128,
    generated: quick ? 4 : 64,
    naiveEvery: 1,
    rounds: quick ? 2 : 15,
    memoryBytes: 64 * 2 ** 20,
  };
  const rows: Row[] = [];
  if (!quick) rows.push(...(await measure(small, referenceBackend(), 1)));
  for (const threads of threadCounts) rows.push(...(await measure(small, await simd(small, threads), threads)));
  const file = options.model ?? (quick ? null : sharedModel());
  if (file !== null) {
    const real: Sizes = {
      label: basename(file, '.gguf'),
      path: file,
      forward: 512,
      search: 128,
      generated: 24,
      naiveEvery: 10,
      rounds: 3,
      memoryBytes: 1.5 * 2 ** 30,
    };
    for (const threads of threadCounts) rows.push(...(await measure(real, await simd(real, threads), threads)));
  }
  return { rows };
});

function simd({ memoryBytes }: Sizes, threads: number): Promise<Backend> {
  return simdBackend({ memoryBytes, threads, spawn: nodeSpawnWorker, widen: nodeWidenVectors });
}

function sharedModel(): string | null {
  const { BLOCKPRUNER_SHARED: shared } = process.env;
  if (shared === undefined) return null;
  const file = join(shared, 'models', 'smollm2-135m-instruct-q4_1.gguf');
  return existsSync(file) ? file : null;
}

/** Everything about one model on one backend, which it disposes of. */
async function measure(sizes: Sizes, backend: Backend, threads: number): Promise<Row[]> {
  const { path, label, rounds } = sizes;
  const engine = backend.description.replace(/, \d+ threads?\)/, ')');
  const { model, chunks, close } = await openBenchModel(path, backend, 1, sizes.forward);
  const tasks = tasksOf(model, chunks, sizes);
  // The first pass reads the weights, the next ones find the kernels compiled.
  for (const { run } of tasks) await settle(run, 0, quick ? 20 : 1_500);
  await interleave(tasks, rounds);
  const rows = tasks.map((task): Row => {
    const measured = figures(task, threads, (milliseconds) => task.tokens / (milliseconds / 1000));
    return { name: `${label}: ${task.name}`, engine, threads, unit: 'tokens/s', ...measured, share: null };
  });
  // A real model's search takes long enough once.
  const once = sizes.naiveEvery > 1;
  if (!once || threads === Math.max(...threadCounts))
    rows.push(...(await searchRows(model, chunks, sizes, engine, threads)));
  await close();
  return rows;
}

function tasksOf(model: Transformer, chunks: readonly Int32Array[], { forward, generated }: Sizes): Task[] {
  const prompt = [...chunks[0].subarray(0, PROMPT)];
  const settings = { maxTokens: generated, sampling: greedy, rng: seededRng(1) };
  return [
    {
      name: `forward of ${forward}, no head`,
      tokens: forward,
      ...untimed(),
      run: () => forwardPass(model, chunks, false),
    },
    {
      name: `forward of ${forward}, head and loss`,
      tokens: forward,
      ...untimed(),
      run: () => forwardPass(model, chunks, true),
    },
    {
      name: `generate ${generated} after ${PROMPT}`,
      tokens: generated,
      ...untimed(),
      run: async () => {
        for await (const _ of generate(model, prompt, Mask.empty, settings));
      },
    },
  ];
}

async function forwardPass(model: Transformer, chunks: readonly Int32Array[], head: boolean): Promise<void> {
  const x = await model.walk(chunks, Mask.empty);
  if (head) await model.headNll([x], nextTokens(chunks));
  else model.backend.free(x);
}

/** One step of the search on one chunk, by both, whose prices must be the same bits. */
async function searchRows(
  model: Transformer,
  chunks: readonly Int32Array[],
  sizes: Sizes,
  engine: string,
  threads: number,
): Promise<Row[]> {
  const ids = [chunks[0].subarray(0, sizes.search)];
  const candidates = firstCandidates(model);
  const sampled = candidates.filter((_, index) => index % sizes.naiveEvery === 0);
  const whole = candidates.length / sampled.length;
  const found: Partial<Record<'sweep' | 'naive', Priced>> = {};
  const sweepTask: Timed = { ...untimed(), run: async () => (found.sweep = await bySweep(model, ids, candidates)) };
  const naiveTask: Timed = { ...untimed(), run: async () => (found.naive = await naively(model, ids, sampled)) };
  await interleave([sweepTask, naiveTask], sizes.naiveEvery === 1 ? sizes.rounds : 1);
  const { sweep: swept, naive } = found;
  if (swept === undefined || naive === undefined) throw new Error('no round was run.');
  const sweptSample = swept.prices.filter((_, index) => index % sizes.naiveEvery === 0);
  checkSame(sweptSample, naive.prices);

  const name = `${sizes.label}: search step, ${candidates.length} candidates, 1×${sizes.search}`;
  const counted = (how: string, value: number): Row => {
    const row = { name: `${name}, ${how}`, engine, threads, unit: 'block passes', share: null } as const;
    return { ...row, value, spread: null, rounds: 1, byCpu: null, cpus: null };
  };
  const taken = (how: string, task: Timed, scale: number, note?: string): Row => {
    const measured = figures(task, threads, (milliseconds) => (scale * milliseconds) / 1000);
    return { name: `${name}, ${how}`, engine, threads, unit: 'seconds', ...measured, share: null, note };
  };
  const scaled = whole === 1 ? undefined : `${sampled.length} candidates timed, scaled to all`;
  return [
    counted('sweep', swept.passes),
    counted('naive', naive.passes * whole),
    taken('sweep', sweepTask, 1),
    taken('naive', naiveTask, whole, scaled),
  ];
}
