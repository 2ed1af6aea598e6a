import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, MaskError, UsageError } from '../../src/errors.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { formatBlock } from '../../src/model/blockId.ts';
import type { FamilyName } from '../../src/model/config.ts';
import { Mask } from '../../src/model/mask.ts';
import { countParameters } from '../../src/model/parameters.ts';
import type { Transformer } from '../../src/model/transformer.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import {
  candidatesLeft,
  pruneKinds,
  type Candidate,
  type PruneKind,
  type StopRules,
} from '../../src/prune/candidates.ts';
import { Journal } from '../../src/prune/journal.ts';
import { plainSearch } from '../../src/prune/plainSearch.ts';
import { ratios } from '../../src/prune/ratios.ts';
import type { SearchEvent } from '../../src/prune/events.ts';
import { lowest } from '../../src/prune/lowest.ts';
import type { LocalPricerOptions } from '../../src/prune/pricing/localPricer.ts';
import type { SearchSettings } from '../../src/prune/search.ts';
import { cancelling, loud } from '../model/nonFiniteModels.ts';
import { layersOf } from '../model/layers.ts';
import { families, tinyTransformer } from '../model/tinyTransformer.ts';
import type { Chunks } from '../../src/eval/chunks.ts';
import { seeds } from '../arbitraries.ts';
import { drain, localSearch, reference, simdBackends, tinyChunks } from './tinySearch.ts';

type Step = Extract<SearchEvent, { type: 'step' }>;
type Done = Extract<SearchEvent, { type: 'done' }>;

const header = { weights: 'w', config: 'c', tokens: 't', settings: 's', backend: 'b' };

async function events(
  model: Transformer,
  chunks: Chunks,
  stop: StopRules,
  kind: PruneKind = 'mix',
  groupSize = 2,
  checkpointBytes = 0,
): Promise<SearchEvent[]> {
  const journal = await Journal.open(memoryJournal(), header, nodeHasher);
  return (await drain(localSearch({ model, chunks, journal }, { kind, stop, groupSize, checkpointBytes }))).events;
}

const stepsOf = (all: readonly SearchEvent[]): Step[] => all.filter((event) => event.type === 'step');
/** What a search comes to, but for what it took, which depends on what it could keep. */
const outcome = (all: readonly SearchEvent[]): SearchEvent[] => {
  return all
    .filter((event) => event.type !== 'progress')
    .map((event) => ('work' in event ? { ...event, work: { ...event.work, done: 0 } } : event));
};

function doneOf(all: readonly SearchEvent[]): Done {
  const last = all.at(-1);
  if (last?.type !== 'done') throw new Error('the search did not say that it is done');
  return last;
}

const perplexities = fc.array(
  fc.oneof(fc.constantFrom(1, 2, 3, NaN, Infinity), fc.double({ min: 1 })).map((ppl) => ({ perplexity: { ppl } })),
);

describe('lowest', () => {
  test.prop([perplexities])('is the first of the smallest finite ones', (scored) => {
    const finite = scored.map(({ perplexity: { ppl } }) => ppl).filter((ppl) => Number.isFinite(ppl));
    const first = scored.find(({ perplexity: { ppl } }) => ppl === Math.min(...finite));
    expect(lowest(scored)).toBe(finite.length === 0 ? null : first);
  });

  it.each<[string, number[], number | null]>([
    ['nothing', [], null],
    ['NaN and Infinity alone', [NaN, Infinity, NaN], null],
    ['NaN first', [NaN, 5], 1],
    ['a tie: the earlier one', [9, 5, 5], 1],
    ['Infinity beside a huge one', [Infinity, Number.MAX_VALUE], 1],
  ])('%s', (_, ppls, index) => {
    const scored = ppls.map((ppl) => ({ perplexity: { ppl } }));
    expect(lowest(scored)).toBe(index === null ? null : scored[index]);
  });
});

describe('the greedy search', () => {
  const someCase = fc.record({
    family: fc.constantFrom(...families),
    layers: fc.integer({ min: 1, max: 3 }),
    seed: seeds,
    kind: fc.constantFrom(...pruneKinds),
    count: fc.integer({ min: 1, max: 3 }),
    chunk: fc.integer({ min: 2, max: 6 }),
    groupSize: fc.integer({ min: 1, max: 4 }),
    overlap: fc.boolean(),
  });
  // Where chunks overlap, what counts in one depends on whether it is the first.
  const chunksOf = (seed: number, count: number, chunk: number, overlap: boolean): Chunks =>
    tinyChunks(seed, count, chunk, overlap ? { stride: Math.max(1, chunk - 2) } : {});

  test.prop([someCase], { numRuns: 25 })(
    'is the plain one, to the last bit, until no candidate is left',
    async ({ family, layers, seed, kind, count, chunk, groupSize, overlap }) => {
      const { model } = await tinyTransformer({ family, layers, seed });
      const chunks = chunksOf(seed, count, chunk, overlap);
      const all = await events(model, chunks, { ratio: 0.999 }, kind, groupSize);
      const available = candidatesLeft(kind, layersOf(layers), Mask.empty).length;
      const plain = await plainSearch(model, chunks, kind, available);
      expect(all[0]).toEqual({ type: 'start', blocks: 2 * layers, chunks: count });
      expect(all.find(({ type }) => type === 'dense')).toEqual({
        type: 'dense',
        perplexity: await perplexity(model, chunks, Mask.empty),
      });
      const steps = stepsOf(all);
      expect(steps.map(({ removed }) => removed?.name)).toEqual(plain.map(({ removed }) => removed?.name));
      for (const [index, { candidates }] of steps.entries()) {
        const prices = candidates.map(({ name, perplexity: { ppl } }) => [name, ppl]);
        expect(prices).toEqual(plain[index].prices.map(({ candidate, ppl }) => [candidate.name, ppl]));
      }
      expect(doneOf(all)).toMatchObject({ stoppedBy: 'no candidate left' });
    },
  );

  test.prop([someCase], { numRuns: 25 })(
    'each step reports the least of its own candidates and the next least; sets nest; ratios are those of the set',
    async ({ family, layers, seed, kind, count, chunk, groupSize }) => {
      const { model } = await tinyTransformer({ family, layers, seed });
      const all = await events(model, tinyChunks(seed, count, chunk), { ratio: 0.999 }, kind, groupSize);
      const counts = countParameters(model.source);
      let mask = Mask.empty;
      for (const { step, removed, runnerUp, candidates, ratios: reported } of stepsOf(all)) {
        expect(candidates.map(({ name }) => name)).toEqual(
          candidatesLeft(kind, layersOf(layers), mask).map(({ name }) => name),
        );
        const sorted = candidates.map((candidate) => candidate.perplexity.ppl).toSorted((a, b) => a - b);
        expect(removed?.perplexity.ppl, `step ${step}`).toBe(sorted[0]);
        expect(runnerUp?.perplexity.ppl).toBe(sorted[1]);
        mask = mask.with(removed?.blocks ?? []);
        expect(reported).toEqual(ratios(counts, mask));
      }
      expect(doneOf(all).mask.toString()).toBe(mask.toString());
    },
  );

  test.prop([someCase, fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 5_000, 50_000, 1e9)], { numRuns: 20 })(
    'does not depend on how chunks are grouped, nor on what is kept from step to step',
    async ({ family, layers, seed, kind, count, chunk, groupSize, overlap }, other, checkpointBytes) => {
      const { model } = await tinyTransformer({ family, layers, seed });
      const chunks = chunksOf(seed, count, chunk, overlap);
      const one = await events(model, chunks, { ratio: 0.999 }, kind, groupSize);
      const two = await events(model, chunks, { ratio: 0.999 }, kind, other, checkpointBytes);
      expect(outcome(one)).toEqual(outcome(two));
    },
  );

  it('takes away the same blocks on every backend', async () => {
    const orders = [];
    for (const { make } of [reference, ...simdBackends(2)]) {
      const backend = await make();
      const { model } = await tinyTransformer({ family: 'llama', layers: 4, seed: 7, backend });
      const all = await events(model, tinyChunks(3, 3, 24), { blocks: 8 });
      orders.push(doneOf(all).mask.toString());
      model.free();
      expect(backend.bytesInUse()).toBe(0);
      await backend.dispose();
    }
    for (const order of orders) expect(order).toBe(orders[0]);
  });

  test.prop([someCase], { numRuns: 15 })(
    'progress of a step runs from 0 to 1; a best is named by the second group at the latest',
    async ({ layers, seed, kind, count, chunk, groupSize }) => {
      const { model } = await tinyTransformer({ layers, seed });
      const all = await events(model, tinyChunks(seed, count, chunk), { ratio: 0.999 }, kind, groupSize);
      const progress = all.filter((event) => event.type === 'progress');
      for (const { step, candidates } of stepsOf(all)) {
        const own = progress.filter((event) => event.step === step);
        for (const [index, event] of own.entries()) {
          expect(event.fraction).toBeGreaterThan(index === 0 ? 0 : own[index - 1].fraction);
          expect(event.computed).toBe(event.fraction);
          expect(event.candidates).toBe(candidates.length);
          // Known once a candidate has come to its end, at the latest with the first group; and
          // then for good.
          if (index > 0 && own[index - 1].best !== null) expect(event.best).not.toBeNull();
          if (event.fraction > Math.min(1, groupSize / count)) expect(event.best).not.toBeNull();
        }
        expect(own.at(-1)?.fraction).toBe(1);
      }
    },
  );
});

describe('an order decided beforehand', () => {
  const ordered = async (
    model: Transformer,
    chunks: Chunks,
    order: readonly Candidate[],
    more: Partial<SearchSettings & LocalPricerOptions> = {},
    journal?: Journal,
  ): Promise<SearchEvent[]> => {
    const settings = { kind: 'mix', stop: { ratio: 0.999 }, groupSize: 2, order, ...more } as const;
    journal ??= await Journal.open(memoryJournal(), header, nodeHasher);
    return (await drain(localSearch({ model, chunks, journal }, settings))).events;
  };
  const someOrder = fc
    .record({
      family: fc.constantFrom(...families),
      layers: fc.integer({ min: 1, max: 3 }),
      kind: fc.constantFrom(...pruneKinds),
      seed: seeds,
    })
    .chain((one) =>
      fc.record({
        ...Object.fromEntries(Object.entries(one).map(([key, value]) => [key, fc.constant(value)])),
        order: fc.shuffledSubarray(candidatesLeft(one.kind, layersOf(one.layers), Mask.empty), { minLength: 1 }),
      }),
    ) as fc.Arbitrary<{ family: FamilyName; layers: number; kind: PruneKind; seed: number; order: Candidate[] }>;

  test.prop([someOrder], { numRuns: 25 })(
    'each step removes the next entry, at the perplexity of the blocks that are gone by then',
    async ({ family, layers, kind, seed, order }) => {
      const { model } = await tinyTransformer({ family, layers, seed });
      const chunks = tinyChunks(seed, 3, 5);
      const all = await ordered(model, chunks, order, { kind });
      const steps = stepsOf(all);
      expect(steps.map(({ removed }) => removed?.name)).toEqual(order.map(({ name }) => name));
      let mask = Mask.empty;
      for (const { removed, candidates, runnerUp } of steps) {
        mask = mask.with(removed?.blocks ?? []);
        expect(removed?.perplexity).toEqual(await perplexity(model, chunks, mask));
        expect([candidates.length, runnerUp]).toEqual([1, null]);
      }
      expect(doneOf(all)).toMatchObject({ stoppedBy: 'no candidate left', mask: { size: mask.size } });
    },
  );

  test.prop([someOrder, fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 5_000, 1e9)], { numRuns: 10 })(
    'neither groups nor what is kept changes it, and a journal of it resumes anywhere',
    async ({ family, layers, kind, seed, order }, groupSize, checkpointBytes) => {
      const { model } = await tinyTransformer({ family, layers, seed });
      const chunks = tinyChunks(seed, 3, 5);
      const sink = memoryJournal();
      const first = await ordered(model, chunks, order, { kind }, await Journal.open(sink, header, nodeHasher));
      for (let kept = 1; kept <= sink.all.length; kept++) {
        const journal = await Journal.open(memoryJournal(sink.all.slice(0, kept)), header, nodeHasher);
        const again = await ordered(model, chunks, order, { kind, groupSize, checkpointBytes }, journal);
        expect(outcome(again)).toEqual(outcome(first));
      }
    },
  );

  it('in the order in which the search removes, it is the search', async () => {
    const { model } = await tinyTransformer({ layers: 3, seed: 5 });
    const chunks = tinyChunks(5, 2, 6);
    const free = await events(model, chunks, { ratio: 0.999 });
    const order = stepsOf(free).map(({ removed }) => removed ?? { name: '', blocks: [] });
    const bound = await ordered(model, chunks, order);
    expect(stepsOf(bound).map(({ removed }) => removed)).toEqual(order);
    expect(doneOf(bound)).toEqual(doneOf(free));
  });

  it('stop rules end it as they end a search', async () => {
    const { model } = await tinyTransformer({ layers: 3, seed: 5 });
    const chunks = tinyChunks(5, 2, 6);
    const order = candidatesLeft('mix', layersOf(3), Mask.empty).toReversed();
    const stopped = async (stop: StopRules): Promise<Done> => doneOf(await ordered(model, chunks, order, { stop }));
    expect(await stopped({ blocks: 2 })).toMatchObject({ stoppedBy: 'blocks', mask: { size: 2 } });
    expect(await stopped({ ratio: 0.01 })).toMatchObject({ stoppedBy: 'ratio', mask: { size: 1 } });
    expect(await stopped({ maxPpl: 1 })).toMatchObject({ stoppedBy: 'max-ppl', mask: { size: 0 } });
  });

  it('a journal of another order is refused', async () => {
    const { model } = await tinyTransformer({ layers: 2, seed: 5 });
    const chunks = tinyChunks(5, 2, 6);
    const order = candidatesLeft('mix', layersOf(2), Mask.empty);
    const sink = memoryJournal();
    await ordered(model, chunks, order, {}, await Journal.open(sink, header, nodeHasher));
    const journal = await Journal.open(memoryJournal(sink.all), header, nodeHasher);
    await expect(ordered(model, chunks, order.toReversed(), {}, journal)).rejects.toThrow(FormatError);
  });

  it('refuses a block named twice, one that is not there, and a race', async () => {
    const { model } = await tinyTransformer({ layers: 2, seed: 5 });
    const chunks = tinyChunks(5, 2, 6);
    const [first, second] = candidatesLeft('mix', layersOf(2), Mask.empty);
    const beyond: Candidate = { name: 'L2.mha', blocks: [{ layer: 2, kind: 'mha' }] };
    await expect(ordered(model, chunks, [first, second, first])).rejects.toThrow(MaskError);
    await expect(ordered(model, chunks, [first, beyond])).rejects.toThrow(MaskError);
    const race = { confidence: 0.9, seed: 0 };
    await expect(ordered(model, chunks, [first], { race })).rejects.toThrow(UsageError);
  });
});

describe('stop rules', () => {
  const open = async (layers = 3): Promise<{ model: Transformer; chunks: Chunks }> => {
    const { model } = await tinyTransformer({ layers, seed: 11 });
    return { model, chunks: tinyChunks(11, 2, 8) };
  };

  it.each([1, 3, 6])('--blocks %i', async (blocks) => {
    const { model, chunks } = await open();
    const all = await events(model, chunks, { blocks });
    expect(doneOf(all)).toMatchObject({ stoppedBy: 'blocks', mask: { size: blocks } });
    expect(stepsOf(all)).toHaveLength(blocks);
  });

  it('--blocks counts both blocks of a layer', async () => {
    const { model, chunks } = await open();
    const all = await events(model, chunks, { blocks: 4 }, 'layer');
    expect(doneOf(all).mask.size).toBe(4);
    expect(stepsOf(all)).toHaveLength(2);
  });

  test.prop([fc.double({ min: 0.01, max: 0.99, noNaN: true })], { numRuns: 12 })(
    '--ratio ends with the first removal that reaches it',
    async (ratio) => {
      const { model, chunks } = await open();
      const all = await events(model, chunks, { ratio });
      const reached = stepsOf(all).map((step) => step.ratios.total);
      expect(reached.slice(0, -1).every((total) => total < ratio)).toBe(true);
      expect(doneOf(all).stoppedBy).toBe((reached.at(-1) ?? 0) >= ratio ? 'ratio' : 'no candidate left');
    },
  );

  it('--max-ppl: the removal that crosses it is not applied, one that meets it is', async () => {
    const { model, chunks } = await open();
    const steps = stepsOf(await events(model, chunks, { blocks: 6 }));
    const ppls = steps.map(({ removed }) => removed?.perplexity.ppl ?? NaN);
    for (const maxPpl of [...ppls, ...ppls.map((ppl) => ppl * (1 - 1e-9)), 1, 1e9]) {
      const all = await events(model, chunks, { maxPpl });
      const crossing = ppls.findIndex((ppl) => ppl > maxPpl);
      const applied = crossing < 0 ? steps.length : crossing;
      expect(stepsOf(all)).toEqual(steps.slice(0, applied));
      expect(doneOf(all)).toMatchObject({
        stoppedBy: crossing < 0 ? 'no candidate left' : 'max-ppl',
        mask: { size: applied },
      });
      expect(all.some(({ type }) => type === 'dense')).toBe(true);
    }
  });

  it('the first rule that is met ends it', async () => {
    const { model, chunks } = await open();
    const stoppedBy = async (stop: StopRules): Promise<string> => doneOf(await events(model, chunks, stop)).stoppedBy;
    expect(await stoppedBy({ blocks: 1, ratio: 0.9, maxPpl: 1e9 })).toBe('blocks');
    expect(await stoppedBy({ blocks: 6, ratio: 0.01, maxPpl: 1e9 })).toBe('ratio');
    expect(await stoppedBy({ blocks: 6, ratio: 0.9, maxPpl: 1 })).toBe('max-ppl');
  });

  it('refuses rules that do not fit before anything runs', async () => {
    const { model, chunks } = await open();
    await expect(events(model, chunks, {})).rejects.toThrow(UsageError);
    await expect(events(model, chunks, { blocks: 7 })).rejects.toThrow(UsageError);
  });
});

describe('perplexities that are not numbers', () => {
  it('a candidate that is NaN is a result, and never goes', async () => {
    const { model } = await tinyTransformer({ layers: 2, ...cancelling });
    const all = await events(model, tinyChunks(1, 2, 5), { blocks: 1 });
    const [first] = stepsOf(all);
    const broken = first.candidates.filter((candidate) => Number.isNaN(candidate.perplexity.ppl));
    expect(broken.map(({ name }) => name)).toEqual(['L0.mlp']);
    expect(first.removed?.perplexity.ppl).toBeLessThan(Infinity);
    expect(first.runnerUp?.perplexity.ppl).toBeLessThan(Infinity);
  });

  it('all candidates infinite: nothing goes and the search ends', async () => {
    const { model } = await tinyTransformer({ layers: 2, ...loud(87, 490) });
    const all = await events(model, tinyChunks(1, 2, 5), { blocks: 4 });
    const [step, ...more] = stepsOf(all);
    expect(more).toEqual([]);
    expect(step.removed).toBeNull();
    expect(step.candidates.map((candidate) => candidate.perplexity.ppl)).toEqual(Array(4).fill(Infinity));
    expect(step.ratios.total).toBe(0);
    expect(doneOf(all)).toMatchObject({ stoppedBy: 'no finite candidate', mask: { size: 0 } });
  });
});

test.prop([fc.nat(60)], { numRuns: 20 })('abandoned anywhere, it leaves no stream behind', async (count) => {
  const { model } = await tinyTransformer({ layers: 3 });
  const chunks = tinyChunks(1, 2, 5);
  await model.nll(chunks.ids, Mask.empty);
  const before = model.backend.bytesInUse();
  const journal = await Journal.open(memoryJournal(), header, nodeHasher);
  const settings = { kind: 'mix', stop: { blocks: 6 }, groupSize: 1 } as const;
  let seen = 0;
  for await (const _ of localSearch({ model, chunks, journal }, settings)) {
    if (seen++ === count) break;
  }
  expect(model.backend.bytesInUse()).toBe(before);
});

test('an exact tie goes to the candidate that comes first', async () => {
  // Blocks that add nothing all score the same.
  const { model } = await tinyTransformer({
    layers: 2,
    edit(tensors) {
      for (const [name, { data }] of tensors) if (/o_proj|down_proj/.test(name)) data.fill(0);
    },
  });
  const all = await events(model, tinyChunks(1, 2, 5), { blocks: 4 });
  expect(doneOf(all).mask.blocks.map(formatBlock)).toEqual(['L0.mha', 'L1.mha', 'L0.mlp', 'L1.mlp']);
});
