/**
 * Journals that an earlier version of this program wrote, and what it found: today's program goes
 * on from any part of them to the same result, to the last bit. spec/prune/data holds two searches
 * of the planted model on the reference backend, by
 * `prune tiny-models/planted --data tiny-models/data/tiny.txt --backend reference --memory 64MB`
 * and
 *
 *   exact   --tokens 192 --chunk 32 --blocks 3
 *   race    --tokens 320 --chunk 32 --blocks 2 --search race --confidence 0.9
 *
 * They are never written anew: where one of these fails, users' journals do not resume either.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { chunkData, defaultEvalSettings } from '../../src/eval/chunks.ts';
import { parseData } from '../../src/eval/textData.ts';
import { openModel, type OpenedModel } from '../../src/formats/openModel.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { memoryJournal, type JournalSink } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { candidatesLeft } from '../../src/prune/candidates.ts';
import { planGroup } from '../../src/prune/pricing/plan.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { run, type RunOptions } from '../../src/prune/run.ts';
import { Mask } from '../../src/model/mask.ts';
import { timeless } from './tinyRun.ts';
import { drain } from './tinySearch.ts';

const root = new URL('../../', import.meta.url);
const read = (name: string): string => readFileSync(new URL(`spec/prune/data/${name}`, root), 'utf8');
const text = readFileSync(new URL('tiny-models/data/tiny.txt', root), 'utf8');

type Found = Pick<PruneResult, 'dense' | 'removed' | 'stoppedBy' | 'steps' | 'sample'>;

interface Stored {
  name: string;
  tokens: number;
  chunk: number;
  /** Chunks to a group when it was written. */
  groupSize: number;
  search: Pick<RunOptions, 'stop' | 'race'>;
  /** Lines to go on from. */
  keeps: readonly number[];
}

const stored: readonly Stored[] = [
  { name: 'exact', tokens: 192, chunk: 32, groupSize: 6, search: { stop: { blocks: 3 } }, keeps: [1, 2, 5, 7] },
  {
    name: 'race',
    tokens: 320,
    chunk: 32,
    groupSize: 10,
    search: { stop: { blocks: 2 }, race: { confidence: 0.9, seed: 0 } },
    keeps: [1, 6, 11, 20],
  },
];

let opened: OpenedModel;
let model: Transformer;
beforeAll(async () => {
  opened = await openModel(fileURLToPath(new URL('tiny-models/planted', root)));
  model = await Transformer.load(opened.weights, referenceBackend(), 2 ** 22);
});
afterAll(async () => {
  model.free();
  await opened.close();
});

/** The run that wrote a journal, over `sink`, by groups of `groupSize` chunks. */
async function found({ tokens, chunk, search }: Stored, sink: JournalSink, groupSize: number): Promise<Found> {
  const { config } = model;
  const data = parseData('tiny.txt', text, 'text');
  const settings = { ...defaultEvalSettings, tokens, chunk };
  const candidates = candidatesLeft('mix', config, Mask.empty).length;
  let activationBytes = 2 ** 26;
  while (planGroup(model, chunk, candidates, activationBytes) > groupSize) activationBytes *= 0.95;
  const options: RunOptions = {
    model,
    tokenizer: opened.tokenizer,
    chunks: chunkData('tiny.txt', data, config, opened.tokenizer, settings),
    dataName: 'tiny.txt',
    kind: 'mix',
    ...search,
    activationBytes,
    checkpointBytes: 2 ** 24,
    version: '0.0.0',
    newHasher: nodeHasher,
    sink,
  };
  const { dense, removed, stoppedBy, steps, sample } = (await drain(run(options))).result;
  return { dense, removed, stoppedBy, steps, sample };
}

type StoredStep = Omit<PruneResult['steps'][number], 'change' | 'runnerUp'>;

/** What the stored documents have: differences between scores are told by later versions only. */
function asStored(result: Found): Omit<Found, 'steps'> & { steps: StoredStep[] } {
  return { ...result, steps: result.steps.map(({ change: _change, runnerUp: _runnerUp, ...step }) => step) };
}

/** Checkpoints do not outlive a process, so a resumed run does other work for the same scores. */
function comparable(result: Found): object {
  const { steps, ...rest } = asStored(result);
  return { ...rest, steps: steps.map((step) => ({ ...step, work: { ...step.work, done: 0 } })) };
}

describe.each(stored)('a stored $name journal', (journal) => {
  const lines = read(`${journal.name}.journal.jsonl`).trimEnd().split('\n');
  const expected = JSON.parse(read(`${journal.name}.result.json`)) as Found;

  it.each(journal.keeps)('resumed after %d lines: the same result, the same lines', async (kept) => {
    const sink = memoryJournal(lines.slice(0, kept));
    expect(comparable(await found(journal, sink, journal.groupSize))).toEqual(comparable(expected));
    const passes = (all: readonly string[]): string[] => timeless(all).map((line) => line.replace(/"passes":\d+,/, ''));
    expect(passes(sink.all)).toEqual(passes(lines));
  });

  it('resumed in groups of another size: the same result', async () => {
    const sink = memoryJournal(lines.slice(0, journal.keeps[1]));
    expect(comparable(await found(journal, sink, 2))).toEqual(comparable(expected));
  });

  it('complete, it answers with the very document', async () => {
    expect(asStored(await found(journal, memoryJournal(lines), journal.groupSize))).toEqual(expected);
  });
});
