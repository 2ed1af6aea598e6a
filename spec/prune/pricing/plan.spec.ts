import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MemoryBudgetError } from '../../../src/errors.ts';
import { gpuBackend } from '../../../src/backends/gpu/gpuBackend.ts';
import { walkBytes } from '../../../src/model/footprint.ts';
import { Mask } from '../../../src/model/mask.ts';
import { bundleSize } from '../../../src/prune/pricing/bundles.ts';
import { candidatesLeft, pruneKinds } from '../../../src/prune/candidates.ts';
import { planBundle, planGroup } from '../../../src/prune/pricing/plan.ts';
import { sweep } from '../../../src/prune/pricing/sweep.ts';
import { layersOf } from '../../model/layers.ts';
import { families, tinyTransformer } from '../../model/tinyTransformer.ts';
import { keeping } from './keeping.ts';
import { stacking } from './stacking.ts';
import { drain, reference, simdBackends, tinyChunks, watchPeak, type NamedBackend } from '../tinySearch.ts';

const gpu: NamedBackend = { name: 'gpu (cpu)', make: () => gpuBackend({ mode: 'cpu' }) };

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
        group = planGroup(model, chunk, candidates.length, activationBytes);
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
      const least = chunk * walkBytes(model.config, candidates.length + 1, backend.nllRowBytes);
      const activationBytes = Math.floor(least * times);
      const group = planGroup(model, chunk, candidates.length, activationBytes);
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
  const { model } = await tinyTransformer();
  const counts = fc.tuple(fc.integer({ min: 2, max: 4096 }), fc.integer({ min: 1, max: 128 }));

  test.prop([counts, fc.integer({ min: 1, max: 2 ** 34 }), fc.integer({ min: 1, max: 2 ** 34 })])(
    'more memory never means fewer chunks, and twice as much at least twice as many',
    ([chunk, candidates], a, b) => {
      const plan = (bytes: number): number => {
        try {
          return planGroup(model, chunk, candidates, bytes);
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
    expect(() => planGroup(model, 64, 4, 1000)).toThrow(MemoryBudgetError);
    expect(() => planGroup(model, 64, 4, 1000)).toThrow(
      /a chunk of 64 tokens.*Give more memory, or take shorter chunks/,
    );
  });
});
