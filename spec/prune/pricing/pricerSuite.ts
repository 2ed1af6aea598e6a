/**
 * What a search asks of whoever prices for it, as one suite: the plain evaluator's bits, and
 * nothing left behind. A new pricer passes it, and then gives every search the same result.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../../src/errors.ts';
import type { Chunks } from '../../../src/eval/chunks.ts';
import { scoreChunk, type ChunkScore } from '../../../src/eval/perplexity.ts';
import { Mask } from '../../../src/model/mask.ts';
import type { Transformer } from '../../../src/model/transformer.ts';
import { memoryJournal } from '../../../src/platform/journalSink.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import { abandon } from '../../../src/prune/mapEvents.ts';
import { candidatesLeft, pruneKinds } from '../../../src/prune/candidates.ts';
import { Journal } from '../../../src/prune/journal.ts';
import { plainSearch } from '../../../src/prune/plainSearch.ts';
import type { Pricer, PricingJob } from '../../../src/prune/pricing/pricer.ts';
import { segmentNats } from '../../../src/prune/race/raceSegments.ts';
import { search, type SearchSettings } from '../../../src/prune/search.ts';
import { seeds } from '../../arbitraries.ts';
import { layersOf } from '../../model/layers.ts';
import { families, tinyTransformer } from '../../model/tinyTransformer.ts';
import { drain, someMask, tinyChunks } from '../tinySearch.ts';

export type MakePricer = (model: Transformer, chunks: Chunks, groupSize: number) => Pricer;

const header = { weights: 'w', config: 'c', tokens: 't', settings: 's', backend: 'b' };

const someModel = fc.record({
  family: fc.constantFrom(...families),
  layers: fc.integer({ min: 1, max: 3 }),
  seed: seeds,
  kind: fc.constantFrom(...pruneKinds),
  count: fc.integer({ min: 1, max: 4 }),
  chunk: fc.integer({ min: 2, max: 12 }),
  groupSize: fc.integer({ min: 1, max: 4 }),
  overlap: fc.boolean(),
});

const someJob = someModel.chain((model) =>
  fc.record({
    model: fc.constant(model),
    mask: someMask(model.layers),
    /** Which candidates of those left, and which chunks in which order. */
    picks: fc.infiniteStream(fc.boolean()),
    order: fc.shuffledSubarray([...Array(model.count).keys()], {
      minLength: 1,
      maxLength: Math.min(model.count, model.groupSize),
    }),
    segments: fc.boolean(),
  }),
);

export function pricerSuite(name: string, make: MakePricer): void {
  describe(`${name} as a pricer`, () => {
    test.prop([someJob], { numRuns: 25 })(
      'gives the scores of each mask from scratch, to the last bit, and leaves nothing behind',
      async ({
        model: { family, layers, seed, kind, count, chunk, groupSize, overlap },
        mask,
        picks,
        order,
        segments,
      }) => {
        const { model } = await tinyTransformer({ family, layers, seed });
        const chunks = tinyChunks(seed, count, chunk, overlap ? { stride: Math.max(1, chunk - 2) } : {});
        const pick = picks[Symbol.iterator]();
        const candidates = candidatesLeft(kind, layersOf(layers), mask).filter(() => pick.next().value === true);
        await model.nll(chunks.ids, Mask.empty);
        const before = model.backend.bytesInUse();
        const pricer = make(model, chunks, groupSize);
        const { events, result } = await drain(pricer.price({ mask, candidates, chunks: order, segments }));
        await pricer.close();
        expect(model.backend.bytesInUse()).toBe(before);

        const ids = order.map((index) => chunks.ids[index]);
        const scoresOf = (rows: readonly Float32Array[]): ChunkScore[] =>
          rows.map((nll, at) => scoreChunk(chunks, order[at], nll));
        expect(result.base).toEqual(scoresOf(await model.nll(ids, mask)));
        const alone = [];
        for (const { blocks } of candidates) alone.push(await model.nll(ids, mask.with(blocks)));
        expect(result.scores).toEqual(alone.map(scoresOf));
        const sums = alone.map((rows) => rows.map((nll, at) => segmentNats(chunks, order[at], nll)));
        expect(result.segments).toEqual(segments ? sums : undefined);
        expect(result.seconds).toBeGreaterThanOrEqual(0);

        // Progress rises to the whole of it.
        const shares = events.map(({ share }) => share);
        expect(shares.every((share, at) => share > 0 && share >= (shares[at - 1] ?? 0))).toBe(true);
        if (shares.length > 0) expect(shares.at(-1)).toBe(1);
        // Scores that are told on the way are those of the end, each once.
        const told = events.flatMap(({ scores }) => [...(scores ?? [])]);
        expect(new Set(told.map(([block]) => block)).size).toBe(told.length);
        for (const [block, own] of told) {
          expect(own).toEqual(result.scores[candidates.findIndex((candidate) => candidate.name === block)]);
        }
      },
    );

    test.prop([someModel], { numRuns: 12 })(
      'serves a whole search: the plain one, to the last bit',
      async ({ family, layers, seed, kind, count, chunk, groupSize }) => {
        const { model } = await tinyTransformer({ family, layers, seed });
        const chunks = tinyChunks(seed, count, chunk);
        const steps = await stepsOf(model, chunks, make(model, chunks, groupSize), { kind, stop: { ratio: 0.999 } });
        const plain = await plainSearch(model, chunks, kind, Infinity);
        expect(steps.map(({ removed }) => removed?.name)).toEqual(plain.map(({ removed }) => removed?.name));
        for (const [at, { candidates }] of steps.entries()) {
          const prices = candidates.map(({ name: block, perplexity: { ppl } }) => [block, ppl]);
          expect(prices).toEqual(plain[at].prices.map(({ candidate, ppl }) => [candidate.name, ppl]));
        }
      },
    );

    it('serves a race', async () => {
      const { model } = await tinyTransformer({ layers: 3, seed: 2 });
      const chunks = tinyChunks(2, 6, 20);
      const settings = { kind: 'mix', stop: { blocks: 3 }, race: { confidence: 0.8, seed: 1 } } as const;
      const steps = await stepsOf(model, chunks, make(model, chunks, 2), settings);
      const plain = await plainSearch(model, chunks, 'mix', 3);
      for (const [at, { candidates }] of steps.entries()) {
        const exact = new Map(plain[at].prices.map(({ candidate, ppl }) => [candidate.name, ppl]));
        for (const { name: block, perplexity, dropped } of candidates) {
          if (dropped === undefined) expect(perplexity.ppl).toBe(exact.get(block));
        }
      }
    });

    test.prop([fc.nat(12), fc.nat(12)], { numRuns: 15 })(
      'a job that is abandoned frees what it holds',
      async (first, second) => {
        const { model } = await tinyTransformer({ layers: 3, seed: 1 });
        const chunks = tinyChunks(1, 2, 5);
        await model.nll(chunks.ids, Mask.empty);
        const before = model.backend.bytesInUse();
        const pricer = make(model, chunks, 2);
        const job: PricingJob = {
          mask: Mask.empty,
          candidates: candidatesLeft('mix', layersOf(3), Mask.empty),
          chunks: [0, 1],
        };
        for (const events of [first, second]) {
          const pricing = pricer.price(job);
          for (let seen = 0; seen < events; seen++) await pricing.next();
          await abandon(pricing);
        }
        // And it can price afterwards.
        const { result } = await drain(pricer.price(job));
        expect(result.scores).toHaveLength(6);
        await pricer.close();
        expect(model.backend.bytesInUse()).toBe(before);
      },
    );

    it('says which backend its scores are of', async () => {
      const { model } = await tinyTransformer({ layers: 1 });
      const pricer = make(model, tinyChunks(1, 1, 3), 1);
      expect(pricer.variant).toBe(model.backend.variant);
      expect(pricer.groupSize).toBe(1);
      await pricer.close();
    });

    it.each([
      ['no chunk', []],
      ['more chunks than it can carry', [0, 1, 2]],
      ['a chunk that is not there', [3]],
      ['half a chunk', [0.5]],
    ])('refuses a job of %s', async (_, group) => {
      const { model } = await tinyTransformer({ layers: 1 });
      const pricer = make(model, tinyChunks(1, 3, 3), 2);
      const job = { mask: Mask.empty, candidates: candidatesLeft('mix', layersOf(1), Mask.empty), chunks: group };
      await expect(drain(pricer.price(job))).rejects.toThrow(ShapeError);
      await pricer.close();
    });
  });
}

async function stepsOf(model: Transformer, chunks: Chunks, pricer: Pricer, settings: SearchSettings) {
  const journal = await Journal.open(memoryJournal(), header, nodeHasher);
  const { events } = await drain(search({ model, chunks, journal, pricer }, settings));
  await pricer.close();
  return events.filter((event) => event.type === 'step');
}
