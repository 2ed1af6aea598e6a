import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MemoryBudgetError } from '../../../src/errors.ts';
import { gpuBackend } from '../../../src/backends/gpu/gpuBackend.ts';
import { simdBackend } from '../../../src/backends/simd/simdBackend.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { bundleSize } from '../../../src/prune/pricing/bundles.ts';
import { candidatesLeft, pruneKinds } from '../../../src/prune/candidates.ts';
import { memoryNeeds, planBundle, planGroup, planMemory, smallestMemory } from '../../../src/prune/pricing/plan.ts';
import { sweep } from '../../../src/prune/pricing/sweep.ts';
import { layersOf } from '../../model/layers.ts';
import { families, TINY_VOCAB, tinySource, tinyTransformer } from '../../model/tinyTransformer.ts';
import { keeping } from './keeping.ts';
import { stacking } from './stacking.ts';
import { drain, reference, simdBackends, tinyChunks, watchPeak, watchReads, type NamedBackend } from '../tinySearch.ts';

const gpu: NamedBackend = { name: 'gpu (cpu)', make: () => gpuBackend({ mode: 'cpu' }) };

test.prop([fc.integer({ min: 2 ** 16, max: 2 ** 40 })])('memory: what is planned is within what there is', (bytes) => {
  const { activationBytes, weightBytes } = planMemory(bytes);
  expect(activationBytes).toBeGreaterThan(0);
  expect(weightBytes).toBeGreaterThanOrEqual(activationBytes);
  expect(activationBytes + weightBytes).toBeLessThanOrEqual(bytes);
});

const someNeeds = fc.record({
  weightBytes: fc.integer({ min: 1, max: 2 ** 34 }),
  activationBytes: fc.integer({ min: 1, max: 2 ** 34 }),
});

test.prop([someNeeds, fc.integer({ min: 0, max: 2 ** 36 })])(
  'memory: what a run cannot do without is planned for, from the smallest memory on',
  (needs, spare) => {
    const plan = planMemory(smallestMemory(needs) + spare, needs);
    expect(plan.activationBytes).toBeGreaterThanOrEqual(needs.activationBytes - 1);
    expect(plan.weightBytes).toBeGreaterThanOrEqual(needs.weightBytes - 1);
    expect(plan.activationBytes + plan.weightBytes).toBeLessThanOrEqual(smallestMemory(needs) + spare);
    expect(() => planMemory(smallestMemory(needs) - 1, needs)).toThrow(MemoryBudgetError);
  },
);

describe('memory that is short', () => {
  const needs = { weightBytes: 100 * 2 ** 20, activationBytes: 24 * 2 ** 20 };

  it('is answered with the least that would do', () => {
    const line = /needs 128 MiB at the least and has 127 MiB.*Raise --memory to 128MB or more, or lower --chunk\./;
    expect(() => planMemory(128 * 2 ** 20 - 1, needs)).toThrow(line);
    expect(planMemory(128 * 2 ** 20, needs)).toEqual(needs);
  });

  it('beyond what the backend can have is not asked for', () => {
    expect(() => planMemory(2 ** 26, needs, 2 ** 26)).toThrow(/needs 128 MiB(?!.*--memory).*Lower --chunk\./);
  });
});

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
    {
      numRuns: 8,
    },
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
      const layers = 3;
      let reads: string[] = [];
      const source = watchReads(await tinySource({ layers, config }), (tensor) => reads.push(tensor));
      const needs = memoryNeeds(source, chunk, candidatesLeft(kind, layersOf(layers), Mask.empty).length, 1);
      const memoryBytes = Math.ceil(smallestMemory(needs) * more);
      const backend = await simdBackend({ memoryBytes, threads: 1, spawn: null });
      const plan = planMemory(Math.min(memoryBytes, backend.capacityBytes), needs);
      const model = await Transformer.load(source, backend, plan.weightBytes);
      let mask = Mask.empty;
      for (let candidates = candidatesLeft(kind, layersOf(layers), mask); candidates.length > 0;) {
        const group = planGroup(source.config, chunk, candidates.length, plan.activationBytes);
        reads = [];
        const { ids } = tinyChunks(1, Math.min(4, group), chunk);
        const streams = planBundle(model, chunk, candidates.length, group, ids.length);
        await drain(sweep(model, ids, mask, candidates, { bundle: streams }));
        // Of the embedding, rows are read token by token; it is the head too.
        const ofBlocks = reads.filter((tensor) => tensor.includes('.layers.'));
        expect(ofBlocks).toHaveLength(new Set(ofBlocks).size);
        mask = mask.with(candidates[candidates.length >> 1].blocks);
        candidates = candidatesLeft(kind, layersOf(layers), mask);
      }
      await backend.dispose();
    },
  );
});

describe.each([reference, ...simdBackends(1), gpu])('planGroup on $name', ({ name, make }) => {
  const someCase = fc.record({
    family: fc.constantFrom(...families),
    layers: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom(...pruneKinds),
    chunk: fc.integer({ min: 2, max: 24 }),
    activationBytes: fc.integer({ min: 2 ** 15, max: 2 ** 18 }),
  });

  test.prop([someCase], { numRuns: name === gpu.name ? 8 : 20 })(
    'a sweep over as many chunks as it allows holds no more than the budget',
    async ({ family, layers, kind, chunk, activationBytes }) => {
      const { backend, peak, reset } = watchPeak(await make());
      const { model } = await tinyTransformer({ family, layers, backend });
      const candidates = candidatesLeft(kind, layersOf(layers), Mask.empty);
      let group = 0;
      try {
        group = planGroup(model.config, chunk, candidates.length, activationBytes);
      } catch (error) {
        if (!(error instanceof MemoryBudgetError)) throw error;
        fc.pre(false);
      }
      // Weights and the rotary table are there before.
      await model.nll(tinyChunks(1, 1, chunk).ids, Mask.empty);
      const weights = backend.bytesInUse();
      reset();
      const { ids } = tinyChunks(1, group, chunk);
      const streams = planBundle(model, chunk, candidates.length, group, group);
      await drain(sweep(model, ids, Mask.empty, candidates, { bundle: streams }));
      await backend.dispose();
      expect(peak() - weights).toBeLessThanOrEqual(activationBytes);
    },
  );
});

describe.each([reference, ...simdBackends(1), gpu])('planBundle on $name', ({ name, make }) => {
  const someCase = fc.record({
    family: fc.constantFrom(...families),
    layers: fc.integer({ min: 2, max: 4 }),
    kind: fc.constantFrom(...pruneKinds),
    chunk: fc.integer({ min: 2, max: 12 }),
    stackBytes: fc.constantFrom(0, 2000, 10_000, 2 ** 26),
    /** Memory over what one chunk needs. */
    times: fc.double({ min: 1, max: 12, noNaN: true }),
    chunks: fc.integer({ min: 1, max: 4 }),
    room: fc.constantFrom(0, 2 ** 18),
  });

  test.prop([someCase], { numRuns: name === gpu.name ? 10 : 60 })(
    'a sweep in bundles, from step to step, holds no more than the budget, however short that is',
    async ({ family, layers, kind, chunk, stackBytes, times, chunks, room }) => {
      const { backend, peak, reset } = watchPeak(stacking(await make(), stackBytes));
      const { model } = await tinyTransformer({ family, layers, backend });
      let mask = Mask.empty;
      let candidates = candidatesLeft(kind, layersOf(layers), mask);
      const least = memoryNeeds(model.source, chunk, candidates.length, 0).activationBytes;
      const activationBytes = Math.floor(least * times);
      const group = planGroup(model.config, chunk, candidates.length, activationBytes);
      const { ids } = tinyChunks(1, Math.min(group, chunks), chunk);
      await model.nll(ids, Mask.empty);
      const weights = backend.bytesInUse();
      const kept = keeping(backend, room);
      for (let step = 0; step < 2; step++) {
        const streams = planBundle(model, chunk, candidates.length, group, ids.length);
        expect(streams).toBeGreaterThanOrEqual(1);
        expect(streams).toBeLessThanOrEqual(bundleSize(model.config, ids.length * chunk, stackBytes));
        reset();
        await drain(sweep(model, ids, mask, candidates, { ...kept, bundle: streams }));
        expect(peak() - weights).toBeLessThanOrEqual(activationBytes + room);
        mask = mask.with(candidates[candidates.length >> 1].blocks);
        candidates = candidatesLeft(kind, layersOf(layers), mask);
      }
      await backend.dispose();
    },
  );
});

describe('planBundle', () => {
  it('stacks as much as the backend asks for where there is room, one stream where there is none', async () => {
    const { model } = await tinyTransformer({ layers: 4, backend: stacking(await reference.make(), 24 * 4 * 10 * 5) });
    expect([1, 2, 3, 4].map((chunks) => planBundle(model, 10, 8, 4, chunks))).toEqual([5, 2, 1, 1]);
    expect(planBundle(model, 10, 8, 1, 1)).toBe(1);
  });
});

describe('planGroup', async () => {
  const { config } = await tinySource();
  const counts = fc.tuple(fc.integer({ min: 2, max: 4096 }), fc.integer({ min: 1, max: 128 }));

  test.prop([counts, fc.integer({ min: 1, max: 2 ** 34 }), fc.integer({ min: 1, max: 2 ** 34 })])(
    'more memory never means fewer chunks, and twice as much at least twice as many',
    ([chunk, candidates], a, b) => {
      const plan = (bytes: number): number => {
        try {
          return planGroup(config, chunk, candidates, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MemoryBudgetError);
          return 0;
        }
      };
      expect(plan(Math.max(a, b))).toBeGreaterThanOrEqual(plan(Math.min(a, b)));
      expect(plan(2 * a)).toBeGreaterThanOrEqual(2 * plan(a));
    },
  );

  it('says what is short and what helps when not even one chunk fits', () => {
    expect(() => planGroup(config, 64, 4, 1000)).toThrow(MemoryBudgetError);
    expect(() => planGroup(config, 64, 4, 1000)).toThrow(/a chunk of 64 tokens.*Raise --memory or lower --chunk/);
  });
});
