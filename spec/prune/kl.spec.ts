/** KL divergence from the dense model in a search: a figure of every step, or what it goes by. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { JournalMismatchError, UsageError } from '../../src/errors.ts';
import { aggregate, lossTerms, scoreChunk, type ChunkScore } from '../../src/eval/perplexity.ts';
import { nextTokens, bySequence, type Transformer } from '../../src/model/transformer.ts';
import { Mask } from '../../src/model/mask.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { requireMethod } from '../../src/prune/methods/all.ts';
import { candidatesLeft } from '../../src/prune/candidates.ts';
import { abandon } from '../../src/prune/mapEvents.ts';
import { localPricer } from '../../src/prune/pricing/localPricer.ts';
import type { Priced } from '../../src/prune/pricing/pricer.ts';
import { WalkKeeper } from '../../src/prune/pricing/walkKeeper.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { memoryState } from '../../src/platform/stateFile.ts';
import { decodeRecord, encodeRecord } from '../../src/prune/journalRecords.ts';
import { lowest } from '../../src/prune/lowest.ts';
import { nearTie } from '../../src/prune/nearTie.ts';
import { DenseChunks } from '../../src/prune/pricing/denseChunks.ts';
import type { PruneResult, StepResult } from '../../src/prune/result.ts';
import { run, type RunOptions } from '../../src/prune/run.ts';
import { seeds } from '../arbitraries.ts';
import { families } from '../model/tinyTransformer.ts';
import { finish, lasting, repairRun } from './repair/repairRun.ts';
import { timeless, tinyRun } from './tinyRun.ts';
import { drain, tinyChunks } from './tinySearch.ts';

const chunks = tinyChunks(7, 5, 12);

async function searched(more: Partial<RunOptions>, tiny = {}): Promise<{ model: Transformer; result: PruneResult }> {
  const { options } = await tinyRun(undefined, { chunks, activationBytes: 2 ** 20, ...more }, tiny);
  return { model: options.model, result: (await drain(run(options))).result };
}

/** Mean KL of a mask from scratch, by the convention of the chunks. */
async function klOf(model: Transformer, removed: string, of = chunks): Promise<number> {
  const mask = Mask.parse(removed, model.config);
  const scores: ChunkScore[] = [];
  for (const [index, ids] of of.ids.entries()) {
    const x = await model.walk([ids], mask);
    const dense = await model.outputs([ids]);
    const [{ kl = new Float32Array() }] = await model.headFigures([x], nextTokens([ids]), () => {}, dense);
    model.backend.free(x);
    scores.push(scoreChunk(of, index, bySequence(kl, [ids])[0]));
  }
  const terms = lossTerms(of, scores);
  return terms.reduce((sum, { value }) => sum + value, 0) / terms.reduce((sum, { weight }) => sum + weight, 0);
}

/** A document without its KL. */
function withoutKl(result: PruneResult): object {
  const bare = <T extends { kl?: unknown }>(object: T): object => {
    return Object.fromEntries(Object.entries(object).filter(([name]) => name !== 'kl'));
  };
  const steps = result.steps.map((step) => bare({ ...step, candidates: step.candidates.map(bare) } as StepResult));
  return { ...lasting(result), steps };
}

const kinds: [string, Partial<RunOptions>][] = [
  ['an exact search', {}],
  ['a search of layers', { kind: 'layer', stop: { blocks: 2 } }],
  ['an order decided beforehand', { method: requireMethod('random'), settings: { seed: 2 } }],
  ['a method that scores once', { method: requireMethod('magnitude') }],
  ['token-mean with a stride', { chunks: { ...chunks, convention: 'token-mean', stride: 4 } }],
  ['llama.cpp', { chunks: { ...chunks, convention: 'llama.cpp' } }],
];

describe('with kl', () => {
  it.each(kinds)('%s: is as without, and every step and candidate has its KL', async (_, more) => {
    const { result: plain } = await searched(more);
    const { model, result } = await searched({ ...more, kl: true });
    expect(withoutKl(result)).toEqual(lasting(plain));
    expect(plain.steps[0]).not.toHaveProperty('kl');
    const gone: string[] = [];
    for (const { removed, kl, candidates } of result.steps) {
      for (const candidate of candidates) {
        expect(candidate.kl).toBeCloseTo(await klOf(model, [...gone, candidate.block].join(','), more.chunks), 9);
      }
      expect(kl).toBe(candidates.find(({ block }) => block === removed)?.kl);
      expect(kl).toBeGreaterThan(0);
      gone.push(removed ?? '');
    }
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it('a race has it of those that saw all chunks', async () => {
    const race = { confidence: 0.6, seed: 1 };
    const many = tinyChunks(7, 40, 12);
    const { result: plain } = await searched({ race, chunks: many, stop: { blocks: 2 } });
    const { result } = await searched({ race, chunks: many, stop: { blocks: 2 }, kl: true });
    expect(withoutKl(result)).toEqual(lasting(plain));
    for (const { candidates } of result.steps) {
      for (const { status, kl } of candidates) expect(kl === undefined).toBe(status === 'dropped');
    }
  });

  it('memory for groups and for what is kept of the dense model changes nothing', async () => {
    const found = await Promise.all(
      [0, 1, 2 ** 11, 2 ** 20].map(async (checkpointBytes) => {
        const { result } = await searched({ kl: true, checkpointBytes, activationBytes: 2 ** 17 + checkpointBytes });
        return { ...lasting(result), work: null, steps: result.steps.map((step) => ({ ...step, work: null })) };
      }),
    );
    for (const other of found) expect(other).toEqual(found[0]);
  });

  it('killed after any line, it goes on to the same bits and lines', async () => {
    const options = { kl: true, stop: { blocks: 3 } };
    const straight = await repairRun(null, options);
    const expected = lasting((await finish(straight)).result);
    const lines = straight.sink.all;
    for (let kept = 0; kept <= lines.length; kept++) {
      const again = await repairRun(null, options, { lines: lines.slice(0, kept) });
      expect(lasting((await finish(again)).result), `after ${kept} lines`).toEqual(expected);
      expect(timeless(again.sink.all), `after ${kept} lines`).toEqual(timeless(lines));
    }
  });

  it('goes on from a journal without it: steps from there on have the figure', async () => {
    const plain = await repairRun(null, { stop: { blocks: 1 } });
    await finish(plain);
    const more = await repairRun(null, { stop: { blocks: 2 }, kl: true }, { lines: plain.sink.all });
    const { steps } = (await finish(more)).result;
    expect(steps.map(({ kl }) => typeof kl)).toEqual(['undefined', 'number']);
    const back = await repairRun(null, { stop: { blocks: 2 } }, { lines: more.sink.all });
    expect((await finish(back)).result.steps).toEqual(steps);
  });

  it('in the loop of a repair it is of the price before the repair, from the whole model', async () => {
    const plain = lasting((await finish(await repairRun({ when: 'each' }))).result);
    const { result } = await finish(await repairRun({ when: 'each' }, { kl: true }));
    expect(withoutKl(result)).toEqual(plain);
    expect(result.steps.every(({ kl }) => typeof kl === 'number' && kl > 0)).toBe(true);
  });

  it('a chunk whose loss is infinite without a block has no KL there', () => {
    const scores = [
      { nats: 1, targets: 2, kl: Infinity },
      { nats: 1, targets: 2, kl: 1 },
    ];
    expect(aggregate(tinyChunks(1, 2, 3), scores).kl).toBe(Infinity);
    expect(aggregate(tinyChunks(1, 2, 3), [scores[0], { nats: 1, targets: 2 }])).not.toHaveProperty('kl');
  });
});

describe('a walk that is kept', () => {
  /** A job's answer, after walks that ended after so many events each. */
  async function answer(ends: readonly number[], kls: readonly boolean[]): Promise<object> {
    const { model } = (await tinyRun(undefined, { chunks })).options;
    const state = memoryState();
    const candidates = candidatesLeft('mix', model.config, Mask.empty);
    const job = { mask: Mask.empty, candidates, chunks: [0, 1] };
    const pricing = (kl: boolean): AsyncGenerator<unknown, Priced> => {
      const keeper = new WalkKeeper({ file: state, note: () => {}, now: () => 0 }, 'run', nodeHasher);
      const dense = kl ? new DenseChunks(model, chunks, 0) : null;
      return localPricer(model, chunks, { groupSize: 2, keeper, dense }).price(job);
    };
    for (const [index, end] of ends.entries()) {
      const walk = pricing(kls[index]);
      for (let event = 0; event < end; event++) await walk.next();
      await abandon(walk);
    }
    return { ...(await drain(pricing(true))).result, seconds: 0 };
  }

  test.prop([fc.array(fc.record({ end: fc.nat(12), kl: fc.boolean() }), { minLength: 1, maxLength: 3 })], {
    numRuns: 15,
  })('is gone on with to the same KL, and never from one that had none', async (ends) => {
    const found = await answer(
      ends.map(({ end }) => end),
      ends.map(({ kl }) => kl),
    );
    expect(found).toEqual(await answer([], []));
  });
});

describe('with metric kl', () => {
  test.prop([fc.constantFrom(...families), seeds], { numRuns: 8 })('the lowest KL goes', async (family, seed) => {
    const { result } = await searched({ settings: { metric: 'kl' }, stop: { blocks: 3 } }, { family, seed });
    expect(result.metric).toBe('kl');
    for (const { removed, candidates, runnerUp, kl } of result.steps) {
      const sorted = candidates.toSorted((a, b) => (a.kl ?? Infinity) - (b.kl ?? Infinity));
      expect(removed).toBe(sorted[0].block);
      expect(kl).toBe(sorted[0].kl);
      expect(runnerUp?.block).toBe(sorted[1]?.block);
    }
  });

  it('it is another search: neither goes on from the journal of the other', async () => {
    const byKl = { settings: { metric: 'kl' } };
    const plain = await repairRun(null);
    await finish(plain);
    const other = await repairRun(null, byKl);
    await finish(other);
    await expect(finish(await repairRun(null, byKl, { lines: plain.sink.all }))).rejects.toThrow(JournalMismatchError);
    await expect(finish(await repairRun(null, {}, { lines: other.sink.all }))).rejects.toThrow(JournalMismatchError);
    expect((await finish(await repairRun(null, byKl, { lines: other.sink.all }))).result.metric).toBe('kl');
  });

  it.each<[string, Partial<RunOptions>]>([
    ['a race', { race: { confidence: 0.9, seed: 0 } }],
    ['another method', { method: requireMethod('magnitude') }],
  ])('%s is refused before a journal is begun', async (_, more) => {
    const sink = memoryJournal();
    const { options } = await tinyRun(sink, { ...more, settings: { metric: 'kl' } });
    await expect(drain(run(options))).rejects.toThrow(UsageError);
    expect(sink.all).toEqual([]);
  });

  it('repair in the loop and other metrics are refused', async () => {
    await expect(finish(await repairRun({ when: 'each' }, { settings: { metric: 'kl' } }))).rejects.toThrow(UsageError);
    await expect(finish(await repairRun(null, { settings: { metric: 'loss' } }))).rejects.toThrow(UsageError);
  });

  it('a tie goes to the earlier one; without a finite perplexity nothing goes; a near-tie is one of perplexities', () => {
    const of = (ppl: number, kl: number): { name: string; perplexity: { ppl: number; kl: number } } => {
      return { name: `${ppl} ${kl}`, perplexity: { ppl, kl } };
    };
    expect(lowest([of(9, 2), of(8, 1), of(7, 1)], 'kl')?.name).toBe('8 1');
    expect(lowest([of(9, 2), of(Infinity, 1), of(NaN, 0)], 'kl')?.name).toBe('9 2');
    expect(lowest([of(9, NaN)], 'kl')).toBeNull();
    const perplexity = (ppl: number): never => ({ name: 'x', perplexity: { ppl } }) as never;
    expect(nearTie(1e-6, perplexity(10), perplexity(9))).toBeNull();
    expect(nearTie(1e-6, perplexity(10), perplexity(9.999999))).not.toBeNull();
  });
});

test.prop([fc.double(), fc.nat(), fc.option(fc.double(), { nil: undefined })])(
  'a score with and without KL is the same when read back',
  (nats, targets, kl) => {
    const score = kl === undefined ? { nats, targets } : { nats, targets, kl };
    const common = { step: 1, from: 0, to: 1, seconds: 1, passes: 1, candidates: ['L0.mha'] };
    const record = { type: 'group' as const, ...common, base: [score], scores: [[score]] };
    const back = decodeRecord(JSON.parse(JSON.stringify(encodeRecord(record))) as Record<string, unknown>, 'here');
    // JSON has no −0.
    expect(JSON.stringify(encodeRecord(back))).toBe(JSON.stringify(encodeRecord(record)));
    const damaged = { ...encodeRecord(record), base: [[1, 2, 3, 4]] };
    expect(() => decodeRecord(damaged, 'here')).toThrow(/damaged/);
  },
);

describe('what is kept of the dense model', () => {
  it('is as many chunks as there is room for, and always the same', async () => {
    const { options } = await tinyRun(undefined, { chunks }, { layers: 1 });
    const { model } = options;
    const expected = await model.outputs([chunks.ids[3], chunks.ids[1]]);
    const one = DenseChunks.bytesOf(model, { ...chunks, ids: chunks.ids.slice(0, 1) });
    for (const bytes of [0, one, one * 1.5, one * 5]) {
      let passes = 0;
      const counted: Transformer = Object.create(model, {
        outputs: { value: (ids: readonly Int32Array[]) => ((passes += ids.length), model.outputs(ids)) },
      }) as Transformer;
      const kept = new DenseChunks(counted, chunks, bytes);
      for (let time = 0; time < 3; time++) {
        const found = await kept.of([3, 1]);
        expect(found.directions).toEqual(expected.directions);
        expect(found.levels).toEqual(expected.levels);
      }
      expect(passes).toBe(bytes === 0 ? 6 : bytes < 2 * one ? 4 : 2);
    }
    model.free();
    expect(model.backend.bytesInUse()).toBe(0);
    expect(referenceBackend().bytesInUse()).toBe(0);
  });
});
