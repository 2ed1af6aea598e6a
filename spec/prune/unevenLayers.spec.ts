/**
 * Searching models that were pruned before: layers without a block, and narrower MLPs. Places in
 * the walk, candidates and passes differ from those of a whole model; the numbers must not.
 */
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import type { Chunks } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { formatBlock, type BlockId } from '../../src/model/blockId.ts';
import { edited } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { naivePasses, sweepPasses } from '../../src/prune/blockPasses.ts';
import { candidatesLeft, pruneKinds, type PruneKind } from '../../src/prune/candidates.ts';
import type { SearchEvent } from '../../src/prune/events.ts';
import { Journal } from '../../src/prune/journal.ts';
import { plainSearch } from '../../src/prune/plainSearch.ts';
import { plainSweep } from '../../src/prune/plainSweep.ts';
import { sweep } from '../../src/prune/pricing/sweep.ts';
import { someUneven, unevenSource, type UnevenShape } from '../model/unevenModel.ts';
import { drain, localSearch, reference, simdBackends, tinyChunks } from './tinySearch.ts';

type Step = Extract<SearchEvent, { type: 'step' }>;

const header = { weights: 'w', config: 'c', tokens: 't', settings: 's', backend: 'b' };

const someModel = fc.record({
  shape: someUneven(),
  kind: fc.constantFrom(...pruneKinds),
  count: fc.integer({ min: 1, max: 3 }),
  chunk: fc.integer({ min: 2, max: 7 }),
});

/** Some of the blocks that a model has. */
const someOf = (shape: UnevenShape, some: fc.Stream<boolean>): BlockId[] => {
  const take = some[Symbol.iterator]();
  return walkOf(unevenSource(shape).config).filter(() => take.next().value === true);
};

async function stepsOf(
  model: Transformer,
  chunks: Chunks,
  kind: PruneKind,
  memory: { groupSize: number; checkpointBytes: number },
  lines: readonly string[] = [],
): Promise<{ steps: Step[]; lines: readonly string[] }> {
  const sink = memoryJournal(lines);
  const journal = await Journal.open(sink, header, nodeHasher);
  const settings = { kind, stop: { ratio: 0.999 }, ...memory };
  const { events } = await drain(localSearch({ model, chunks, journal }, settings));
  return { steps: events.filter((event) => event.type === 'step'), lines: sink.all };
}

const pricesOf = (steps: readonly Step[]): [string, number][][] =>
  steps.map(({ candidates }) => candidates.map(({ name, perplexity: { ppl } }) => [name, ppl]));

for (const { name, make } of [reference, ...simdBackends(2)]) {
  describe(`a model with uneven layers on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await make();
    });
    afterAll(() => backend.dispose());

    async function withModel(shape: UnevenShape, use: (model: Transformer) => Promise<void>): Promise<void> {
      const model = await Transformer.load(unevenSource(shape), backend, 2 ** 22);
      await use(model);
      model.free();
      expect(backend.bytesInUse()).toBe(0);
    }

    test.prop([someModel, fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 5_000, 1e9)], { numRuns: 12 })(
      'is searched as the plain search does, to the last bit, and for less work',
      async ({ shape, kind, count, chunk }, groupSize, checkpointBytes) => {
        await withModel(shape, async (model) => {
          const chunks = tinyChunks(shape.seed, count, chunk);
          if (candidatesLeft(kind, model.config, Mask.empty).length === 0) return;
          const { steps } = await stepsOf(model, chunks, kind, { groupSize, checkpointBytes });
          const plain = await plainSearch(model, chunks, kind, Infinity);
          expect(steps.map(({ removed }) => removed?.name)).toEqual(plain.map(({ removed }) => removed?.name));
          expect(pricesOf(steps)).toEqual(
            plain.map(({ prices }) => prices.map(({ candidate, ppl }) => [candidate.name, ppl])),
          );
          for (const { work } of steps) {
            expect(work.done).toBeLessThanOrEqual(work.exact);
            if (checkpointBytes === 0) expect(work.done).toBe(work.exact);
          }
        });
      },
    );

    test.prop([someModel, fc.infiniteStream(fc.boolean())], { numRuns: 20 })(
      'is swept as the plain sweep does, under any mask, in the passes counted beforehand',
      async ({ shape, kind, count, chunk }, some) => {
        await withModel(shape, async (model) => {
          const { ids } = tinyChunks(shape.seed, count, chunk);
          const mask = Mask.of(someOf(shape, some));
          const candidates = candidatesLeft(kind, model.config, mask);
          const { result } = await drain(sweep(model, ids, mask, candidates));
          const plain = await plainSweep(model, ids, mask, candidates);
          expect({ base: result.base, candidates: result.candidates }).toEqual(plain);
          expect(result.base).toEqual(await model.nll(ids, mask));
          const walk = walkOf(model.config, mask);
          expect(result.passes).toBe(sweepPasses(walk, candidates));
          expect(result.passes).toBeLessThanOrEqual(naivePasses(walk, candidates) + walk.length);
        });
      },
    );
  });
}

describe('a search goes on from a model that was cut', async () => {
  const backend = await reference.make();

  test.prop([someModel, fc.nat(6)], { numRuns: 25 })(
    'with the removals and prices of the search that cut it',
    async ({ shape, kind, count, chunk }, some) => {
      const source = unevenSource(shape);
      const whole = await Transformer.load(source, backend, 2 ** 22);
      const chunks = tinyChunks(shape.seed, count, chunk);
      const all = await plainSearch(whole, chunks, kind, Infinity);
      const done = all.slice(0, some % (all.length + 1));
      const blocks = done.flatMap(({ removed }) => removed?.blocks ?? []);
      const cut = await Transformer.load(edited(source, [{ type: 'remove', blocks }]), backend, 2 ** 22);
      const rest = all.slice(done.length);
      expect(await plainSearch(cut, chunks, kind, Infinity)).toEqual(rest);
      if (rest.length > 0) {
        const { steps } = await stepsOf(cut, chunks, kind, { groupSize: 2, checkpointBytes: 0 });
        expect(steps.map(({ removed }) => removed?.name)).toEqual(rest.map(({ removed }) => removed?.name));
        // The dense model of the second search is the last one of the first.
        const [first] = steps;
        expect(first.removed?.perplexity).toEqual(
          await perplexity(whole, chunks, Mask.of(blocks).with(first.removed?.blocks ?? [])),
        );
      }
    },
  );

  test.prop([someModel], { numRuns: 25 })(
    'and each step counts what its own blocks hold, whatever their widths',
    async ({ shape, kind, chunk }) => {
      const model = await Transformer.load(unevenSource(shape), backend, 2 ** 22);
      if (candidatesLeft(kind, model.config, Mask.empty).length === 0) return;
      const { steps } = await stepsOf(model, tinyChunks(shape.seed, 1, chunk), kind, {
        groupSize: 1,
        checkpointBytes: 0,
      });
      const counts = countParameters(model.source);
      const gone: BlockId[] = [];
      for (const { removed, ratios } of steps) {
        gone.push(...(removed?.blocks ?? []));
        const kept = edited(model.source, [{ type: 'remove', blocks: gone }]);
        const left = countParameters(kept);
        expect(ratios.total).toBeCloseTo(1 - left.total / counts.total, 12);
        expect(ratios.blocks).toBeCloseTo(1 - left.blocks / counts.blocks, 12);
        expect(ratios.depth).toBe(gone.length / counts.byBlock.size);
        expect(walkOf(kept.config).map(formatBlock)).toEqual(walkOf(model.config, Mask.of(gone)).map(formatBlock));
      }
    },
  );

  test.prop([someModel], { numRuns: 12 })(
    'and a journal of it resumes at any line',
    async ({ shape, kind, count, chunk }) => {
      const model = await Transformer.load(unevenSource(shape), backend, 2 ** 22);
      if (candidatesLeft(kind, model.config, Mask.empty).length === 0) return;
      const chunks = tinyChunks(shape.seed, count, chunk);
      const memory = { groupSize: 2, checkpointBytes: 0 };
      const first = await stepsOf(model, chunks, kind, memory);
      for (let kept = 0; kept <= first.lines.length; kept++) {
        const again = await stepsOf(model, chunks, kind, memory, first.lines.slice(0, kept));
        expect(again.steps).toEqual(first.steps);
      }
    },
  );
});
