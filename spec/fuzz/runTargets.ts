/**
 * What a run leaves behind to be gone on from, damaged: journals, checkpoints, training logs. Each
 * is refused with a typed error, or the run that goes on from it ends as one that was never
 * stopped.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { TrainingLog, type LogLine } from '../../src/cli/trainingLog.ts';
import { BlockprunerError } from '../../src/errors.ts';
import { memoryJournal, splitLines, type JournalSink } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { Journal, type JournalHeader } from '../../src/prune/journal.ts';
import type { RunOptions } from '../../src/prune/run.ts';
import { defaultAdamW } from '../../src/train/adamW.ts';
import { memoryCheckpoint } from '../../src/train/checkpoint.ts';
import { train } from '../../src/train/train.ts';
import { tinyTransformer } from '../model/tinyTransformer.ts';
import { documentOf, tinyRun } from '../prune/tinyRun.ts';
import { drain, localSearch } from '../prune/tinySearch.ts';
import { tinyBatch, tinyTrainee } from '../autodiff/tinyTrainee.ts';
import { expectTyped } from '../formats/hostile.ts';
import type { Damage } from './damage.ts';

/** A file that a run goes on from, and how to look what comes of a damaged one. */
export interface RunTarget {
  readonly name: string;
  readonly whole: Uint8Array;
  /** Files of other runs that parts of might get into this one. */
  readonly others: readonly Uint8Array[];
  /** Goes on from `file`. @throws where the end is another one. */
  resume(file: Uint8Array): Promise<void>;
}

export type Fate = 'refused' | 'same';

/** What becomes of a run whose file was damaged. @throws where it is neither refused nor right. */
export async function fateOf(target: RunTarget, damage: Damage): Promise<Fate> {
  try {
    await target.resume(damage(target.whole, target.others));
    return 'same';
  } catch (error) {
    if (!(error instanceof BlockprunerError)) throw error;
    expectTyped(error);
    return 'refused';
  }
}

const bytesOf = (lines: readonly string[]): Uint8Array => {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
};

/** A journal file's content, opened as the platforms do. */
function sinkOf(file: Uint8Array): JournalSink {
  const { lines, torn } = splitLines(file);
  return { ...memoryJournal(lines), torn };
}

async function journalTarget(name: string, more: Partial<RunOptions>): Promise<RunTarget> {
  const resumed = async (sink: JournalSink): Promise<unknown> => {
    const document = await documentOf((await tinyRun(sink, more)).options);
    // Passes that an earlier part recorded are not taken again.
    return JSON.parse(JSON.stringify(document, (key, value: unknown) => (key === 'done' ? 0 : value)));
  };
  const straight = memoryJournal();
  const expected = await resumed(straight);
  const twin = memoryJournal();
  await resumed(twin);
  return {
    name,
    whole: bytesOf(straight.all),
    others: [bytesOf(twin.all), bytesOf(await foreignJournal(straight.all[0], more))],
    async resume(file) {
      const sink = sinkOf(file);
      const found = await resumed(sink);
      if (!isDeepStrictEqual(found, expected)) throw new Error('another result');
    },
  };
}

/** Another model's search under this one's header. */
async function foreignJournal(first: string, { race }: Partial<RunOptions>): Promise<string[]> {
  const { type: _, version: __, sum: ___, ...header } = JSON.parse(first) as JournalHeader & Record<string, unknown>;
  const { options } = await tinyRun();
  const { model } = await tinyTransformer({ layers: 2, seed: 9 });
  const sink = memoryJournal();
  const journal = await Journal.open(sink, header, nodeHasher);
  const settings = { kind: 'mix', stop: { blocks: 4 }, groupSize: 1, race } as const;
  await drain(localSearch({ model, chunks: options.chunks, journal }, settings));
  return [...sink.all];
}

const STEPS = 4;

async function checkpointTarget(): Promise<RunTarget> {
  const trained = async (start: Uint8Array | null, seed: number, steps: number): Promise<[unknown, Uint8Array]> => {
    const trainee = tinyTrainee({ layers: 1, seed });
    const store = memoryCheckpoint(start);
    const events = train({
      backend: referenceBackend(),
      trainee,
      settings: {
        schedule: { steps: STEPS, lr: 0.01, minLr: 0, warmupSteps: 1, decay: 'cosine' },
        optimizer: defaultAdamW,
        clip: 1,
        accumulate: 1,
      },
      draw: (step) => tinyBatch(step, 1, 4),
      checkpoint: { every: 1, store, identity: 'run', newHasher: nodeHasher },
    });
    for await (const event of events) if (event.type === 'saved' && event.step === steps) break;
    return [[...trainee.parameters].map(([name, { data }]) => [name, [...data]]), (await store.read()) ?? bytesOf([])];
  };
  const [expected] = await trained(null, 1, STEPS);
  const [, whole] = await trained(null, 1, 2);
  const others = [(await trained(null, 1, 1))[1], (await trained(null, 2, 2))[1]];
  return {
    name: 'checkpoint',
    whole,
    others,
    async resume(file) {
      const [found] = await trained(file.length === 0 ? null : file, 1, STEPS);
      if (!isDeepStrictEqual(found, expected)) throw new Error('another model');
    },
  };
}

async function logTarget(): Promise<RunTarget> {
  const folder = mkdtempSync(join(tmpdir(), 'blockpruner-log-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'log.jsonl');
  const written = async (identity: string, scale: number): Promise<[LogLine[], Uint8Array]> => {
    const log = await TrainingLog.open(path, 0, identity, () => {});
    for (let step = 1; step <= STEPS; step++) {
      log.add({ type: 'step', step, loss: scale / step, lr: 0.1, gradientNorm: 1, tokens: 8, seconds: scale });
      if (step % 2 === 0) log.add({ type: 'measured', step, figures: { loss: scale / step } });
    }
    return [log.lines, new Uint8Array(readFileSync(path))];
  };
  const [expected, whole] = await written('run', 1);
  return {
    name: 'training log',
    whole,
    others: [(await written('run', 2))[1], (await written('another', 1))[1]],
    async resume(file) {
      writeFileSync(path, file);
      const warnings: string[] = [];
      const { lines } = await TrainingLog.open(path, STEPS, 'run', (text) => warnings.push(text));
      if (!isDeepStrictEqual(lines, expected.slice(0, lines.length))) throw new Error('other lines');
      // What a killed run or machine left out can be missed at the end only, and is said to be.
      const steps = lines.filter(({ type }) => type === 'step').length;
      if (steps < STEPS && warnings.length === 0) throw new Error('steps missing without a word');
    },
  };
}

export const runTargets: readonly RunTarget[] = [
  await journalTarget('journal', {}),
  await journalTarget('journal of a race', { race: { confidence: 0.9, seed: 1 } }),
  await checkpointTarget(),
  await logTarget(),
];
