import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend.ts';
import { aggregate, perplexity, scoreChunk, type Perplexity } from '../../../src/eval/perplexity.ts';
import { walkIndex } from '../../../src/model/blockId.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { candidatesLeft, pruneKinds, type Candidate, type PruneKind } from '../../../src/prune/candidates.ts';
import { plainSweep } from '../../../src/prune/plainSweep.ts';
import { sweep } from '../../../src/prune/pricing/sweep.ts';
import { seeds } from '../../arbitraries.ts';
import { blocksInWalkOrder, layersOf } from '../../model/layers.ts';
import { families, tinySource, tinyTransformer } from '../../model/tinyTransformer.ts';
import { drain, reference, simdBackends, someMask, tinyChunks, watchReads } from '../tinySearch.ts';

const someCase = fc.integer({ min: 1, max: 4 }).chain((layers) =>
  fc.record({
    layers: fc.constant(layers),
    mask: someMask(layers),
    family: fc.constantFrom(...families),
    seed: seeds,
    kind: fc.constantFrom(...pruneKinds),
    count: fc.integer({ min: 1, max: 3 }),
    chunk: fc.integer({ min: 2, max: 11 }),
  }),
);

/**
 * Block passes, counted another way: the base stream's, and each candidate's after its own first
 * block.
 */
function expectedPasses(layers: number, mask: Mask, candidates: readonly Candidate[]): number {
  const walk = blocksInWalkOrder(layers).filter((block) => !mask.has(block));
  const own = candidates.map(({ blocks }) => {
    const indices = new Set(blocks.map(walkIndex));
    const first = Math.min(...indices);
    return walk.filter((block) => walkIndex(block) > first && !indices.has(walkIndex(block))).length;
  });
  return own.reduce((sum, count) => sum + count, walk.length);
}

for (const { name, make } of [reference, ...simdBackends(1), ...simdBackends(3)]) {
  describe(`sweep on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await make();
    });
    afterAll(() => backend.dispose());

    test.prop([someCase], { numRuns: 25 })(
      'prices base and candidates as the plain evaluator does, bit for bit, and leaves nothing behind',
      async ({ layers, mask, family, seed, kind, count, chunk }) => {
        const { model } = await tinyTransformer({ family, layers, seed, backend });
        const chunks = tinyChunks(seed, count, chunk);
        const candidates = candidatesLeft(kind, layersOf(layers), mask);
        const plain = (more: Candidate['blocks']): Promise<Float32Array[]> => model.nll(chunks.ids, mask.with(more));
        const base = await plain([]);
        const before = backend.bytesInUse();

        const { events, result } = await drain(sweep(model, chunks.ids, mask, candidates));
        expect(backend.bytesInUse()).toBe(before);
        expect(result.base).toEqual(base);
        expect(result.candidates).toHaveLength(candidates.length);
        for (const [index, { blocks }] of candidates.entries()) {
          expect(result.candidates[index], candidates[index].name).toEqual(await plain(blocks));
        }

        const twin = await plainSweep(model, chunks.ids, mask, candidates);
        expect(backend.bytesInUse()).toBe(before);
        expect(twin).toEqual({ base: result.base, candidates: result.candidates });

        expect(result.passes).toBe(expectedPasses(layers, mask, candidates));
        let [done, most] = [0, 0];
        for (const { passes, totalPasses, share, kept } of events) {
          expect(passes).toBeGreaterThanOrEqual(done);
          expect(share).toBeGreaterThan(most);
          expect(totalPasses).toBe(result.passes);
          expect(kept).toBe(0);
          [done, most] = [passes, share];
        }
        expect([done, most]).toEqual([result.passes, 1]);
        expect(events.flatMap(({ figures }) => [...figures.keys()]).toSorted()).toEqual(
          candidates.map((candidate) => candidate.name).toSorted(),
        );
        model.free();
        expect(backend.bytesInUse()).toBe(0);
      },
    );
  });
}

describe.each(simdBackends(1).map(({ name }, variant) => ({ name: name.replace(', 1 threads', ''), variant })))(
  '$name',
  ({ variant }) => {
    it('gives the same bits on one, two and three threads', async () => {
      const results = [];
      for (const threads of [1, 2, 3]) {
        const backend = await simdBackends(threads)[variant].make();
        const { model } = await tinyTransformer({ family: 'qwen3', layers: 3, backend });
        const { ids } = tinyChunks(5, 3, 40);
        const mask = Mask.parse('L1.mha', layersOf(3));
        results.push((await drain(sweep(model, ids, mask, candidatesLeft('mix', layersOf(3), mask)))).result);
        await backend.dispose();
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    });
  },
);

test.prop([someCase, fc.boolean()], { numRuns: 20 })(
  'its perplexities are those of `perplexity`, with overlapping chunks and ignored ids too',
  async ({ layers, mask, seed, kind, count, chunk }, ignore) => {
    const { model } = await tinyTransformer({ layers, seed });
    const stride = Math.max(1, chunk - 2);
    const chunks = tinyChunks(seed, count, chunk, { stride, ignoredId: ignore ? 3 : null, scoredBytes: 100 });
    const candidates = candidatesLeft(kind, layersOf(layers), mask);
    const { result } = await drain(sweep(model, chunks.ids, mask, candidates));
    const score = (rows: readonly Float32Array[]): Perplexity =>
      aggregate(
        chunks,
        rows.map((nll, index) => scoreChunk(chunks, index, nll)),
      );
    expect(score(result.base)).toEqual(await perplexity(model, chunks, mask));
    for (const [index, { blocks }] of candidates.entries()) {
      expect(score(result.candidates[index])).toEqual(await perplexity(model, chunks, mask.with(blocks), 2));
    }
  },
);

it.each<[PruneKind, number]>([
  ['mix', (10 * 11) / 2],
  ['layer', 5 * 6],
  ['mha', 10 + 9 + 7 + 5 + 3 + 1],
  ['mlp', 10 + 8 + 6 + 4 + 2],
])('%s: passes of a model of five layers', async (kind, passes) => {
  const { model } = await tinyTransformer({ layers: 5 });
  const { result } = await drain(
    sweep(model, tinyChunks(1, 1, 3).ids, Mask.empty, candidatesLeft(kind, layersOf(5), Mask.empty)),
  );
  expect(result.passes).toBe(passes);
});

it('gives the same bits when the weights do not fit and are read again and again', async () => {
  const { ids } = tinyChunks(1, 2, 9);
  const reads = new Map<number, number>();
  const results = [];
  for (const weightBytes of [2 ** 20, 8000]) {
    const backend = await reference.make();
    const source = watchReads(await tinySource({ layers: 3 }), () => {
      reads.set(weightBytes, (reads.get(weightBytes) ?? 0) + 1);
    });
    const model = await Transformer.load(source, backend, weightBytes);
    // Twice, so that there is something to read again.
    await drain(sweep(model, ids, Mask.empty, candidatesLeft('mix', layersOf(3), Mask.empty)));
    results.push((await drain(sweep(model, ids, Mask.empty, candidatesLeft('mix', layersOf(3), Mask.empty)))).result);
    model.free();
    expect(backend.bytesInUse()).toBe(0);
  }
  expect(reads.get(8000)).toBeGreaterThan(reads.get(2 ** 20) ?? 0);
  expect(results[1]).toEqual(results[0]);
});

describe('a sweep that does not come to its end', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('frees its streams when abandoned after %i blocks', async (blocks) => {
    const { model } = await tinyTransformer({ layers: 3 });
    const { ids } = tinyChunks(1, 2, 5);
    await model.nll(ids, Mask.empty);
    const before = model.backend.bytesInUse();
    let seen = 0;
    for await (const _ of sweep(model, ids, Mask.empty, candidatesLeft('layer', layersOf(3), Mask.empty))) {
      if (seen++ === blocks) break;
    }
    expect(model.backend.bytesInUse()).toBe(before);
  });

  it('frees its streams when a block cannot be read', async () => {
    let damaged = false;
    const source = watchReads(await tinySource({ layers: 3 }), (tensor) => {
      if (damaged && tensor.startsWith('model.layers.2.')) throw new Error('gone');
    });
    const backend = await reference.make();
    const model = await Transformer.load(source, backend, 2 ** 20);
    const { ids } = tinyChunks(1, 2, 5);
    await model.nll(ids, Mask.parse('L2.mha,L2.mlp', layersOf(3)));
    const before = backend.bytesInUse();
    damaged = true;
    const walk = drain(sweep(model, ids, Mask.empty, candidatesLeft('mix', layersOf(3), Mask.empty)));
    await expect(walk).rejects.toThrow('gone');
    expect(backend.bytesInUse()).toBe(before);
  });
});
