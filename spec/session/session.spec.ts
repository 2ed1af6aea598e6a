import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import { MemoryBudgetError } from '../../src/errors.ts';
import { Mask } from '../../src/model/mask.ts';
import { candidatesLeft, pruneKinds } from '../../src/prune/candidates.ts';
import { planBundle, planGroup } from '../../src/prune/pricing/plan.ts';
import { sweep } from '../../src/prune/pricing/sweep.ts';
import { LoadedWeights } from '../../src/session/loadedWeights.ts';
import { memoryNeeds, smallestMemory } from '../../src/session/memoryPlan.ts';
import { openSession } from '../../src/session/session.ts';
import { layersOf } from '../model/layers.ts';
import { TINY_VOCAB, tinySource, tinyTransformer } from '../model/tinyTransformer.ts';
import { drain, reference, tinyChunks, watchReads } from '../prune/tinySearch.ts';

const simd = (memoryBytes: number): Promise<Backend> => simdBackend({ memoryBytes, threads: 1, spawn: null });
const opening =
  (backend: Promise<Backend>, asked: number[] = []) =>
  async (memoryBytes: number) => {
    asked.push(memoryBytes);
    return { backend: await backend, why: 'asked for' };
  };

describe('openSession', () => {
  it('gives the model its own figures, and frees all when it is closed', async () => {
    const source = await tinySource({ layers: 2, seed: 4 });
    const asked: number[] = [];
    const session = await openSession(source, opening(reference.make(), asked), 2 ** 22, { chunk: 6, streams: 4 });
    const { model, backend, why, activationBytes, spareBytes } = session;
    expect([asked, why]).toEqual([[2 ** 22], 'asked for']);
    expect(activationBytes).toBe(2 ** 20);
    expect(spareBytes).toBeGreaterThan(0);
    expect(activationBytes + spareBytes).toBeLessThan(2 ** 22);
    const { ids } = tinyChunks(4, 2, 6);
    const plain = await tinyTransformer({ layers: 2, seed: 4 });
    expect(await model.nll(ids, Mask.empty)).toEqual(await plain.model.nll(ids, Mask.empty));
    expect(backend.bytesInUse()).toBeGreaterThan(0);
    await session.close();
    expect(backend.bytesInUse()).toBe(0);
    await expect(model.nll(ids, Mask.empty)).rejects.toThrow();
  });

  it('keeps the head as it is asked to', async () => {
    const source = await tinySource();
    const session = await openSession(
      source,
      opening(reference.make()),
      2 ** 22,
      { chunk: 2, streams: 1 },
      {
        nllSum: 'f32',
      },
    );
    expect(session.model.nllSum).toBe('f32');
    await session.close();
  });

  it('disposes of the backend where memory is too little, in the words it was given', async () => {
    const source = await tinySource({ layers: 2 });
    let disposed = 0;
    const inner = await reference.make();
    const backend = new Proxy(inner, {
      get: (target, key) => (key === 'dispose' ? async () => void disposed++ : Reflect.get(target, key, target)),
    });
    const remedy = (least: number | null): string => `Bring ${least}.`;
    const opened = openSession(source, opening(Promise.resolve(backend)), 1000, { chunk: 8, streams: 4 }, { remedy });
    await expect(opened).rejects.toThrow(MemoryBudgetError);
    await expect(opened).rejects.toThrow(/Bring 1\./);
    expect(disposed).toBe(1);
  });

  it('passes on why no backend opens', async () => {
    const fail = (): Promise<never> => Promise.reject(new Error('no such thing'));
    await expect(openSession(await tinySource(), fail, 2 ** 22, { chunk: 2, streams: 1 })).rejects.toThrow('no such');
  });
});

describe('weights from one piece of work to the next', () => {
  it('stay packed while the next leaves them room, and are packed anew where it does not', async () => {
    let reads = 0;
    const source = watchReads(await tinySource({ layers: 2 }), () => reads++);
    const backend = await reference.make();
    const least = smallestMemory(memoryNeeds(source, { chunk: 64, streams: 4 }, backend));
    const weights = new LoadedWeights(source, backend, least);
    const { ids } = tinyChunks(1, 1, 4);
    const first = await weights.under({ chunk: 4, streams: 1 });
    const rows = await first.model.nll(ids, Mask.empty);
    const before = reads;
    expect((await weights.under({ chunk: 4, streams: 1 })).model).toBe(first.model);
    expect((await weights.under({ chunk: 64, streams: 4 })).model).not.toBe(first.model);
    const again = await weights.under({ chunk: 4, streams: 1 }, 'f32');
    expect(again.model.nllSum).toBe('f32');
    expect(await (await weights.under({ chunk: 4, streams: 1 })).model.nll(ids, Mask.empty)).toEqual(rows);
    expect(reads).toBeGreaterThan(before);
    weights.free();
    expect(backend.bytesInUse()).toBe(0);
  });
});

test.prop(
  [
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 2, max: 64 }),
    fc.integer({ min: 0, max: 2 ** 22 }),
    fc.integer({ min: 0, max: 2 ** 22 }),
    fc.double({ min: 0, max: 4, noNaN: true }),
  ],
  { numRuns: 15 },
)(
  'all that is given out, on the backend and beside it, is no more than there is',
  async (models, chunk, hostBytes, streamBytes, more) => {
    const source = await tinySource({ layers: 2 });
    const workload = { chunk, streams: 1, also: { chunk: 4, streams: 9, models, hostBytes, streamBytes } };
    const backend = await reference.make();
    const memoryBytes = Math.ceil(smallestMemory(memoryNeeds(source, workload, backend)) * (1 + more));
    const session = await openSession(source, opening(Promise.resolve(backend)), memoryBytes, workload);
    const { weightBytes, activationBytes, streamBytes: streams } = session;
    expect(streams).toBeLessThanOrEqual(streamBytes);
    expect(models * weightBytes + activationBytes + hostBytes + streams).toBeLessThanOrEqual(memoryBytes);
    await session.close();
  },
);

describe('a model whose weights do not fit', () => {
  const shapes = fc.record({
    hidden: fc.constantFrom(64, 256),
    /** Of the MLP to the hidden size; what is larger, a block or a tile of the head, differs. */
    ratio: fc.constantFrom(1, 2.75, 4),
    vocab: fc.constantFrom(TINY_VOCAB, 1500),
    heads: fc.constantFrom(1, 4),
  });

  test.prop(
    [
      shapes,
      fc.integer({ min: 2, max: 40 }),
      fc.double({ min: 1, max: 3, noNaN: true }),
      fc.constantFrom(...pruneKinds),
    ],
    { numRuns: 8 },
  )(
    'is swept in the smallest memory or little more, again and again, and each weight is read once a sweep at most',
    async ({ hidden, ratio, vocab, heads }, chunk, more, kind) => {
      const config = {
        hidden_size: hidden,
        intermediate_size: hidden * ratio,
        num_attention_heads: 4,
        num_key_value_heads: heads,
        head_dim: hidden / 4,
        vocab_size: vocab,
      };
      const layers = layersOf(3);
      let reads: string[] = [];
      const source = watchReads(await tinySource({ layers: 3, config }), (tensor) => reads.push(tensor));
      const workload = { chunk, streams: candidatesLeft(kind, layers, Mask.empty).length };
      const any = await simd(2 ** 24);
      const memoryBytes = Math.ceil(smallestMemory(memoryNeeds(source, workload, any)) * more);
      await any.dispose();
      const { model, activationBytes, close } = await openSession(
        source,
        (bytes) => opening(simd(bytes))(bytes),
        memoryBytes,
        workload,
      );
      let mask = Mask.empty;
      for (let candidates = candidatesLeft(kind, layers, mask); candidates.length > 0;) {
        const group = planGroup(model, chunk, candidates.length, activationBytes);
        reads = [];
        const { ids } = tinyChunks(1, Math.min(4, group), chunk);
        const bundle = planBundle(model, chunk, candidates.length, group, ids.length);
        await drain(sweep(model, ids, mask, candidates, { bundle }));
        // Of the embedding, rows are read token by token; it is the head too.
        const ofBlocks = reads.filter((tensor) => tensor.includes('.layers.'));
        expect(ofBlocks).toHaveLength(new Set(ofBlocks).size);
        mask = mask.with(candidates[candidates.length >> 1].blocks);
        candidates = candidatesLeft(kind, layers, mask);
      }
      await close();
    },
  );
});
