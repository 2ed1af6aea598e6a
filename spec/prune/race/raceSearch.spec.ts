/**
 * The race as a mode of the search: what it shares with exact mode, what it reports, and that it
 * resumes exactly.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, JournalMismatchError, UsageError } from '../../../src/errors.ts';
import { Mask } from '../../../src/model/mask.ts';
import type { Transformer } from '../../../src/model/transformer.ts';
import { memoryJournal } from '../../../src/platform/journalSink.ts';
import { candidatesLeft, pruneKinds } from '../../../src/prune/candidates.ts';
import { naivePasses, sweepPasses } from '../../../src/prune/blockPasses.ts';
import { raceLooks, raceOrder, type RaceSettings } from '../../../src/prune/race/raceRule.ts';
import type { PruneResult } from '../../../src/prune/result.ts';
import { run, type RunOptions } from '../../../src/prune/run.ts';
import { sweep } from '../../../src/prune/pricing/sweep.ts';
import { generate } from '../../../src/model/generate.ts';
import { seededRng } from '../../../src/tensor/rng.ts';
import type { Chunks } from '../../../src/eval/chunks.ts';
import { blocksInWalkOrder, layersOf } from '../../model/layers.ts';
import { cancelling } from '../../model/nonFiniteModels.ts';
import { TINY_VOCAB, tinyTransformer, type TinyOptions } from '../../model/tinyTransformer.ts';
import { budgets, documentOf, tinyRun, timeless } from '../tinyRun.ts';
import { drain, tinyChunks } from '../tinySearch.ts';

const CHUNKS = 9;
const CHUNK = 41;
const race: RaceSettings = { confidence: 0.9, seed: 1 };
/**
 * A model that is sure of what it says, and text of its own: without a block it is worse at it, and
 * soon seen to be.
 */
const sure: TinyOptions = {
  edit(tensors) {
    for (const [name, { data }] of tensors) if (name === 'lm_head.weight') data.forEach((v, i) => (data[i] = 6 * v));
  },
};

async function ownWords(): Promise<Chunks> {
  const { model } = await tinyTransformer({ layers: 2, seed: 3, ...sure });
  const rng = seededRng(1);
  const ids: Int32Array[] = [];
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const text = [rng.int(TINY_VOCAB)];
    // One chunk much harder than the others.
    const sampling = { temperature: chunk === 4 ? 20 : 1, topK: 0, topP: 1 };
    const options = { maxTokens: CHUNK - 1, sampling, rng };
    for await (const id of generate(model, [...text], Mask.empty, options)) text.push(id);
    while (text.length < CHUNK) text.push(rng.int(TINY_VOCAB));
    ids.push(Int32Array.from(text));
  }
  return tinyChunks(1, CHUNKS, CHUNK, { ids, scoredBytes: 500 });
}

const chunks = await ownWords();
const activationBytes = 2 ** 20;
const racing = (more: Partial<RunOptions> = {}): Partial<RunOptions> => ({ race, chunks, activationBytes, ...more });

const straight = memoryJournal();
const raced = await documentOf((await tinyRun(straight, racing(), sure)).options);
const exact = await documentOf((await tinyRun(memoryJournal(), racing({ race: undefined }), sure)).options);

interface RaceLine {
  type: string;
  step: number;
  from: number;
  to: number;
  passes: number;
  chunks: number[];
  candidates: string[];
}
const raceLines = (lines: readonly string[]): RaceLine[] =>
  lines.map((line) => JSON.parse(line) as RaceLine).filter(({ type }) => type === 'race');
/** The first group, of two chunks, with a third that should have waited for the comparison. */
function acrossLook(line: string): string {
  const record = JSON.parse(line) as Record<'base', unknown[]> & Record<'scores' | 'segments', unknown[][]>;
  const longer = (list: unknown[]): unknown[] => [...list, list[0]];
  return JSON.stringify({
    ...record,
    to: 3,
    chunks: raceOrder(CHUNKS, race.seed, 1).slice(0, 3),
    base: longer(record.base),
    scores: record.scores.map(longer),
    segments: record.segments.map(longer),
  });
}

describe('against exact mode', () => {
  it('some candidates are dropped, none that exact mode picks', () => {
    expect(raced.removed).toEqual(exact.removed);
    expect(raced.steps.some(({ candidates }) => candidates.some(({ status }) => status === 'dropped'))).toBe(true);
  });

  it('those that saw all chunks have the same figures to the last bit, and so has the dense model', () => {
    expect(raced.dense).toEqual(exact.dense);
    for (const [index, step] of raced.steps.entries()) {
      const { candidates, race: how, nearTie, runnerUp, work, ...rest } = step;
      const { candidates: all, nearTie: _, runnerUp: second, work: price, ...other } = exact.steps[index];
      expect(rest).toEqual(other);
      // One that the race dropped may have been second.
      if (runnerUp?.block === second?.block) expect(runnerUp).toEqual(second);
      expect(work).toEqual({ ...price, done: work.done });
      expect(candidates.map(({ block }) => block)).toEqual(all.map(({ block }) => block));
      const whole = candidates.filter(({ status }) => status !== 'dropped');
      expect(whole).toHaveLength(how?.survivors ?? NaN);
      for (const candidate of whole) expect(all).toContainEqual(candidate);
      if (nearTie !== null) expect(nearTie).toEqual(exact.steps[index].nearTie);
    }
  });

  it('a candidate dropped on easy chunks is not taken for the best', async () => {
    let easier = 0;
    for (let seed = 2; seed < 8; seed++) {
      const { options } = await tinyRun(memoryJournal(), racing({ race: { ...race, seed }, tokenizer: null }), sure);
      for (const { removed, ppl, candidates } of (await documentOf(options)).steps) {
        const whole = candidates.filter(({ seen }) => seen === undefined);
        expect(whole.map(({ block }) => block)).toContain(removed);
        expect(ppl).toBe(Math.min(...whole.map((candidate) => candidate.ppl ?? Infinity)));
        easier += candidates.filter(({ seen }) => (seen?.ppl ?? Infinity) < (ppl ?? 0)).length;
      }
    }
    expect(easier).toBeGreaterThan(0);
  });

  it('a dropped candidate has no perplexity but what was seen of it', () => {
    for (const [index, step] of raced.steps.entries()) {
      for (const { block, ppl, status, seen } of step.candidates) {
        if (seen === undefined) continue;
        expect({ ppl, status }).toEqual({ ppl: null, status: 'dropped' });
        expect(raceLooks(CHUNKS, index > 0)).toContain(seen.chunks);
        expect(seen.ppl).toBeGreaterThan(1);
        expect(step.race?.looks.filter(({ dropped }) => dropped.includes(block)).map((look) => look.chunks)).toEqual([
          seen.chunks,
        ]);
      }
    }
  });

  test.prop([fc.constantFrom(...pruneKinds), fc.integer({ min: 1, max: 2 })], { numRuns: 8 })(
    'with one or two chunks there is nothing to race: the same steps for every kind',
    async (kind, count) => {
      const few = { kind, stop: { ratio: 0.99 }, chunks: tinyChunks(9, count, 12) };
      const one = await documentOf((await tinyRun(memoryJournal(), { ...few, race })).options);
      const other = await documentOf((await tinyRun(memoryJournal(), few)).options);
      expect(
        one.steps.map((step) => Object.fromEntries(Object.entries(step).filter(([key]) => key !== 'race'))),
      ).toEqual(other.steps);
    },
  );

  it('the exact document and journal know nothing of races', async () => {
    const sink = memoryJournal();
    const document = await documentOf((await tinyRun(sink)).options);
    expect(JSON.stringify(document)).not.toMatch(/race|seen|dropped"/);
    expect(sink.all.join('\n')).not.toMatch(/race|segments/);
  });
});

describe('the passes reported', () => {
  const rows = CHUNKS * CHUNK;

  it('add up: over groups, steps and the run', () => {
    const lines = raceLines(straight.all);
    let mask = Mask.empty;
    for (const { step, work, removed } of raced.steps) {
      const walk = blocksInWalkOrder(2).filter((block) => !mask.has(block));
      const candidates = candidatesLeft('mix', layersOf(2), mask);
      for (const line of lines.filter((own) => own.step === step)) {
        const inRace = candidates.filter(({ name }) => line.candidates.includes(name));
        expect(line.passes).toBe(sweepPasses(walk, inRace) * (line.to - line.from));
      }
      const done = lines.filter((line) => line.step === step).reduce((sum, line) => sum + line.passes, 0);
      const passes = { done: done * CHUNK, exact: sweepPasses(walk, candidates) * rows };
      expect(work).toEqual({ ...passes, naive: naivePasses(walk, candidates) * rows });
      expect(passes.done).toBeLessThanOrEqual(passes.exact);
      mask = mask.with(Mask.parse(removed ?? '', layersOf(2)).blocks);
    }
    for (const key of ['done', 'exact', 'naive'] as const) {
      const sum = raced.steps.reduce((total, step) => total + step.work[key], 0);
      expect(raced.work[key]).toBe(sum);
    }
  });

  it('of a step that --max-ppl refuses count too', async () => {
    const { options } = await tinyRun(memoryJournal(), racing({ stop: { maxPpl: 1 } }), sure);
    const result = await documentOf(options);
    expect(result.steps).toEqual([]);
    expect(result.work).toEqual(raced.steps[0].work);
  });

  test.prop([fc.constantFrom(...pruneKinds), fc.integer({ min: 1, max: 3 }), fc.nat(2 ** 6)], { numRuns: 25 })(
    'of any candidates are those that a sweep makes',
    async (kind, layers, bits) => {
      const { model } = await tinyTransformer({ layers });
      const candidates = candidatesLeft(kind, layersOf(layers), Mask.empty).filter(
        (_, index) => (bits >> index) % 2 === 0,
      );
      const { result } = await drain(sweep(model, tinyChunks(1, 1, 3).ids, Mask.empty, candidates));
      expect(sweepPasses(blocksInWalkOrder(layers), candidates)).toBe(result.passes);
    },
  );
});

describe('the journal', () => {
  it('holds each group of each step once, of the candidates still in, in the order of the seed', () => {
    const lines = raceLines(straight.all);
    for (const step of [1, 2, 3, 4]) {
      const own = lines.filter((line) => line.step === step);
      expect(own.flatMap((line) => line.chunks)).toEqual(raceOrder(CHUNKS, race.seed, step));
      for (const [index, line] of own.entries()) {
        expect(line.from).toBe(index === 0 ? 0 : own[index - 1].to);
        if (index > 0) expect(own[index - 1].candidates).toEqual(expect.arrayContaining(line.candidates));
      }
    }
  });

  it('cut after every other line, the race goes on to the same end and adds just the missing lines', async () => {
    for (let kept = 0; kept <= straight.all.length; kept += 2) {
      const sink = memoryJournal(straight.all.slice(0, kept));
      expect(await documentOf((await tinyRun(sink, racing(), sure)).options), `after ${kept} lines`).toEqual(raced);
      expect(timeless(sink.all), `after ${kept} lines`).toEqual(timeless(straight.all));
    }
  });

  test.prop([fc.nat(straight.all.length), fc.constantFrom(0.2, 0.5, 4)], { numRuns: 6 })(
    'nor does it matter how many chunks go together',
    async (kept, more) => {
      const sink = memoryJournal(straight.all.slice(0, kept));
      const options = racing({ activationBytes: Math.max(budgets[0] * 8, activationBytes * more) });
      expect(await documentOf((await tinyRun(sink, options, sure)).options)).toEqual(raced);
    },
  );

  it('a finished race answers from it and runs nothing', async () => {
    const again = await tinyRun(memoryJournal(straight.all), racing(), sure);
    expect(await documentOf(again.options)).toEqual(raced);
    expect(again.reads).toEqual([]);
  });

  it.each<[string, Partial<RunOptions>]>([
    ['exact mode', { race: undefined }],
    ['another confidence', { race: { ...race, confidence: 0.99 } }],
    ['another order of chunks', { race: { ...race, seed: 2 } }],
  ])('is refused for %s', async (_, more) => {
    const { options } = await tinyRun(memoryJournal(straight.all), racing(more), sure);
    await expect(documentOf(options)).rejects.toThrow(JournalMismatchError);
  });

  it.each<[string, (line: string) => string]>([
    ['a group across a look', acrossLook],
    ['other chunks', (line) => line.replace(/"chunks":\[\d+/, '"chunks":[99')],
    ['other candidates', (line) => line.replace('"L0.mha"', '"L0.mhb"')],
    ['a gap', (line) => line.replace('"from":0,"to":2', '"from":1,"to":3')],
    ['no segments', (line) => line.replace(/"segments":.*/, '"segments":[]}')],
  ])('is refused when it holds %s', async (_, damage) => {
    const lines = [straight.all[0], damage(straight.all[1])];
    expect(lines[1]).not.toBe(straight.all[1]);
    const { options } = await tinyRun(memoryJournal(lines), racing(), sure);
    await expect(documentOf(options)).rejects.toThrow(FormatError);
  });
});

describe('losses that are not numbers', () => {
  it('a candidate that is NaN is a result, and never goes', async () => {
    const { options } = await tinyRun(memoryJournal(), racing({ stop: { blocks: 1 } }), cancelling);
    const result = await documentOf(options);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    const nan = { ppl: null, status: 'nan', seen: { ppl: null, againstPick: null } };
    expect(result.steps[0].candidates.find(({ block }) => block === 'L0.mlp')).toMatchObject(nan);
    expect(result.removed[0]).not.toBe('L0.mlp');
  });

  it('all candidates infinite: nothing goes, and the dense model is measured all the same', async () => {
    const alone: TinyOptions = {
      edit(tensors) {
        sure.edit?.(tensors);
        // 695 nats per token whole, 720 and more without any block: exp of 710 is too much.
        tensors.get('model.norm.weight')?.data.fill(124);
      },
    };
    const { options } = await tinyRun(memoryJournal(), racing(), alone);
    const result = await documentOf(options);
    expect(result).toMatchObject({ stoppedBy: 'no finite candidate', removed: [] });
    expect(result.dense.ppl).toBeGreaterThan(1e100);
    expect(result.steps[0]).toMatchObject({ ppl: null, status: 'infinite' });
    expect(result.steps[0].candidates.map((candidate) => candidate.status)).toEqual(Array(4).fill('infinite'));
    expect(result.data.scoredTokens).toBe(CHUNKS * (CHUNK - 1));
  });
});

test('an exact tie goes to the candidate that comes first', async () => {
  const silent: TinyOptions = {
    edit(tensors) {
      for (const [name, { data }] of tensors) if (/o_proj|down_proj/.test(name)) data.fill(0);
    },
  };
  const { options } = await tinyRun(memoryJournal(), racing(), silent);
  const result = await documentOf(options);
  expect(result.removed).toEqual(['L0.mha', 'L1.mha', 'L0.mlp', 'L1.mlp']);
  expect(result.steps[0].race?.survivors).toBe(4);
  expect(result.steps[0].nearTie?.block).toBe('L1.mha');
});

test('ignored targets weigh nothing: survivors score as in exact mode', async () => {
  const ignoring = racing({ chunks: { ...chunks, ignoredId: 3 } });
  const one: Omit<PruneResult, 'seconds'> = await documentOf((await tinyRun(memoryJournal(), ignoring, sure)).options);
  const other = await documentOf((await tinyRun(memoryJournal(), { ...ignoring, race: undefined }, sure)).options);
  expect(one.removed).toEqual(other.removed);
  expect(one.steps.map(({ ppl }) => ppl)).toEqual(other.steps.map(({ ppl }) => ppl));
});

test.prop([fc.nat(80)], { numRuns: 10 })('abandoned anywhere, it leaves no stream behind', async (count) => {
  const { options } = await tinyRun(memoryJournal(), racing({ tokenizer: null }), sure);
  const model: Transformer = options.model;
  await model.nll([chunks.ids[0]], Mask.empty);
  const before = model.backend.bytesInUse();
  let seen = 0;
  for await (const _ of run(options)) if (seen++ === count) break;
  expect(model.backend.bytesInUse()).toBe(before);
});

test('a confidence that is none is refused before anything runs', async () => {
  const sink = memoryJournal();
  const { options } = await tinyRun(sink, racing({ race: { confidence: 1, seed: 0 } }));
  await expect(documentOf(options)).rejects.toThrow(UsageError);
  expect(sink.all).toEqual([]);
});
