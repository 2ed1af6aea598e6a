/**
 * The work that is announced is the work that is done: compared with real searches, to the pass.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MemoryBudgetError } from '../../../src/errors.ts';
import { formatBlock } from '../../../src/model/blockId.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { memoryJournal } from '../../../src/platform/journalSink.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import { candidatesLeft, pruneKinds, type Candidate, type PruneKind } from '../../../src/prune/candidates.ts';
import type { SearchShape } from '../../../src/prune/cost/dryPricer.ts';
import {
  exactWork,
  onceWork,
  orderedWork,
  passesOf,
  raceWork,
  type StepWork,
} from '../../../src/prune/cost/searchWork.ts';
import type { SearchEvent, StepEvent } from '../../../src/prune/events.ts';
import { Journal } from '../../../src/prune/journal.ts';
import { localPricer } from '../../../src/prune/pricing/localPricer.ts';
import { chunkBytes, planGroup } from '../../../src/prune/pricing/plan.ts';
import type { SearchSettings } from '../../../src/prune/search.ts';
import { someUneven, unevenSource, type UnevenShape } from '../../model/unevenModel.ts';
import { stacking } from '../pricing/stacking.ts';
import { drain, localSearch, reference, tinyChunks } from '../tinySearch.ts';

const header = { weights: 'w', config: 'c', tokens: 't', settings: 's', backend: 'b' };
const CHUNK = 5;

interface Case {
  shape: UnevenShape;
  kind: PruneKind;
  chunks: number;
  groupSize: number;
  /** In streams of a chunk. */
  kept: number;
  stackBytes: number;
}

const someCase: fc.Arbitrary<Case> = fc
  .record({
    shape: someUneven(4),
    kind: fc.constantFrom(...pruneKinds),
    chunks: fc.integer({ min: 1, max: 5 }),
    groupSize: fc.integer({ min: 1, max: 5 }),
    kept: fc.constantFrom(0, 3, 20, 1000),
    stackBytes: fc.constantFrom(0, 2000, 20_000, 2 ** 23),
  })
  .filter(({ shape, kind }) => candidatesLeft(kind, unevenSource(shape).config, Mask.empty).length > 0);

/** Passes of tall streams, as a real model is asked for them. */
interface Watched {
  model: Transformer;
  calls: Map<string, number>;
}

async function watched({ shape, stackBytes }: Case): Promise<Watched> {
  const backend = stacking(await reference.make(), stackBytes);
  const model = await Transformer.load(unevenSource(shape), backend, 2 ** 22);
  const calls = new Map<string, number>();
  const count = (key: string): void => void calls.set(key, (calls.get(key) ?? 0) + 1);
  const watching = new Proxy(model, {
    get(target, key, receiver): unknown {
      if (key === 'block') {
        return (...args: Parameters<Transformer['block']>) => {
          count(`${formatBlock(args[0])} ${args[1].rows}`);
          return target.block(...args);
        };
      }
      if (key === 'headFigures') {
        return (...args: Parameters<Transformer['headFigures']>) => {
          for (const { rows } of args[0]) count(`head ${rows}`);
          return target.headFigures(...args);
        };
      }
      return Reflect.get(target, key, receiver);
    },
  });
  return { model: watching, calls };
}

/** A budget for activations that holds exactly so many chunks of so many streams. */
function shapeOf(
  { kind, chunks, groupSize, kept }: Case,
  { config, backend }: Transformer,
  streams?: number,
): SearchShape {
  const candidates = streams ?? candidatesLeft(kind, config, Mask.empty).length;
  const activationBytes = groupSize * chunkBytes({ config, backend }, CHUNK, candidates);
  const checkpointBytes = kept * CHUNK * config.hiddenSize * 4;
  return { config, backend, chunk: CHUNK, chunks, activationBytes, checkpointBytes };
}

interface Searched {
  steps: StepEvent[];
  /** Passes in the journal's records, by step. */
  passes: number[];
  removed: Candidate[];
}

async function searched(one: Case, model: Transformer, settings: Partial<SearchSettings>): Promise<Searched> {
  const { groupSize, kind, chunks } = one;
  const { checkpointBytes } = shapeOf(one, model);
  const sink = memoryJournal();
  const journal = await Journal.open(sink, header, nodeHasher);
  const input = { model, chunks: tinyChunks(one.shape.seed, chunks, CHUNK), journal };
  const all = { kind, stop: { ratio: 0.999 }, groupSize, ...settings };
  const { events } = await drain(localSearch(input, settings.race === undefined ? { ...all, checkpointBytes } : all));
  const steps = events.filter((event: SearchEvent) => event.type === 'step');
  const passes: number[] = [];
  for (const line of sink.all) {
    const record = JSON.parse(line) as { step: number; passes?: number };
    if (record.passes !== undefined) passes[record.step - 1] = (passes[record.step - 1] ?? 0) + record.passes;
  }
  return { steps, passes, removed: steps.flatMap(({ removed }) => (removed === null ? [] : [removed])) };
}

function callsOf(steps: readonly Pick<StepWork, 'groups'>[]): Map<string, number> {
  const calls = new Map<string, number>();
  for (const { groups } of steps) {
    for (const group of groups) {
      for (const { block, rows, count } of group.calls) {
        const key = `${block ?? 'head'} ${rows}`;
        calls.set(key, (calls.get(key) ?? 0) + count * group.times);
      }
    }
  }
  return calls;
}

const sorted = (calls: ReadonlyMap<string, number>): unknown => [...calls].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('the work of a search', () => {
  test.prop([someCase], { numRuns: 40 })('is an exact search’s, in passes and in tall streams', async (one) => {
    const { model, calls } = await watched(one);
    const { steps, passes, removed } = await searched(one, model, {});
    fc.pre(removed.length === steps.length);
    const work = await exactWork(shapeOf(one, model), one.kind, removed);
    expect(work.map(({ work: own }) => own)).toEqual(steps.map(({ work: own }) => own));
    expect(work.map(({ groups }) => passesOf(groups))).toEqual(passes);
    expect(work.map(({ candidates }) => candidates)).toEqual(steps.map(({ candidates }) => candidates.length));
    expect(sorted(callsOf(work))).toEqual(sorted(calls));
  });

  test.prop([someCase, fc.nat(1000)], { numRuns: 25 })('is an ordered search’s', async (one, turn) => {
    const { model, calls } = await watched(one);
    const all = candidatesLeft(one.kind, model.config, Mask.empty);
    const order = all.map((_, at) => all[(at + turn) % all.length]);
    const { steps, passes, removed } = await searched(one, model, { order });
    fc.pre(removed.length === steps.length);
    const work = await orderedWork(shapeOf(one, model, 1), removed);
    expect(work.map(({ work: own }) => own)).toEqual(steps.map(({ work: own }) => own));
    expect(work.map(({ groups }) => passesOf(groups))).toEqual(passes);
    expect(sorted(callsOf(work))).toEqual(sorted(calls));
  });

  test.prop([someCase, fc.constantFrom(0.5, 0.9)], { numRuns: 40 })(
    'of a race lies between that where all drop out at the first look and that where nobody does',
    async (one, confidence) => {
      const { model } = await watched(one);
      const { steps, removed } = await searched(one, model, { race: { confidence, seed: 1 } });
      fc.pre(removed.length === steps.length);
      const [least, most] = [
        await raceWork(shapeOf(one, model), one.kind, removed, 'all'),
        await raceWork(shapeOf(one, model), one.kind, removed, 'none'),
      ];
      for (const [at, { work }] of steps.entries()) {
        expect(work.done).toBeGreaterThanOrEqual(least[at].work.done);
        expect(work.done).toBeLessThanOrEqual(most[at].work.done);
        expect(work.exact).toBe(most[at].work.exact);
        expect(most[at].work.done).toBe(most[at].work.exact);
      }
    },
  );

  test.prop([someCase], { numRuns: 20 })('of one sweep over all candidates is a pricer’s', async (one) => {
    const { model, calls } = await watched(one);
    const candidates = candidatesLeft(one.kind, model.config, Mask.empty);
    const chunks = tinyChunks(1, one.chunks, CHUNK);
    const pricer = localPricer(model, chunks, { groupSize: one.groupSize });
    let passes = 0;
    for (let first = 0; first < one.chunks; first += one.groupSize) {
      const group = Array.from({ length: Math.min(one.groupSize, one.chunks - first) }, (_, at) => first + at);
      passes += (await drain(pricer.price({ mask: Mask.empty, candidates, chunks: group }))).result.chunkPasses;
    }
    const groups = await onceWork(shapeOf(one, model), one.kind);
    expect(passesOf(groups)).toBe(passes);
    expect(sorted(callsOf([{ groups }]))).toEqual(sorted(calls));
  });

  it('asks for each piece of weights once a walk, the head’s tiles last', async () => {
    const shape: UnevenShape = {
      family: 'llama',
      seed: 1,
      layers: [
        { mha: true, width: 8 },
        { mha: true, width: 8 },
      ],
    };
    const one: Case = { shape, kind: 'mix', chunks: 3, groupSize: 2, kept: 0, stackBytes: 0 };
    const { model } = await watched(one);
    const [first] = await exactWork(shapeOf(one, model), 'mix', candidatesLeft('mix', model.config, Mask.empty));
    expect(first.groups.map(({ chunks, times }) => ({ chunks, times }))).toEqual([
      { chunks: 2, times: 1 },
      { chunks: 1, times: 1 },
    ]);
    for (const { pieces } of first.groups) expect(pieces).toEqual(['L0.mha', 'L0.mlp', 'L1.mha', 'L1.mlp', 'head 0']);
  });

  it('refuses a budget that holds no chunk’s streams, as the search does', async () => {
    const shape: UnevenShape = { family: 'llama', seed: 1, layers: [{ mha: true, width: 8 }] };
    const one: Case = { shape, kind: 'mix', chunks: 1, groupSize: 1, kept: 0, stackBytes: 0 };
    const { model } = await watched(one);
    const small = { ...shapeOf(one, model), activationBytes: 100 };
    expect(() => planGroup(model, CHUNK, 2, 100)).toThrow(MemoryBudgetError);
    await expect(onceWork(small, 'mix')).rejects.toThrow(MemoryBudgetError);
  });
});
