import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MemoryBudgetError } from '../../src/errors.ts';
import { Mask } from '../../src/model/mask.ts';
import { candidatesLeft, pruneKinds } from '../../src/prune/candidates.ts';
import { planGroup, planMemory } from '../../src/prune/plan.ts';
import { sweep } from '../../src/prune/sweep.ts';
import { families, tinySource, tinyTransformer } from '../model/tinyTransformer.ts';
import { drain, reference, simdBackends, tinyChunks, watchPeak } from './tinySearch.ts';

test.prop([fc.integer({ min: 2 ** 16, max: 2 ** 40 })])('memory: what is planned is within what there is', (bytes) => {
  const { activationBytes, weightBytes } = planMemory(bytes);
  expect(activationBytes).toBeGreaterThan(0);
  expect(weightBytes).toBeGreaterThanOrEqual(activationBytes);
  expect(activationBytes + weightBytes).toBeLessThanOrEqual(bytes);
});

describe.each([reference, ...simdBackends(1)])('planGroup on $name', ({ make }) => {
  const someCase = fc.record({
    family: fc.constantFrom(...families),
    layers: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom(...pruneKinds),
    chunk: fc.integer({ min: 2, max: 24 }),
    activationBytes: fc.integer({ min: 2 ** 15, max: 2 ** 18 }),
  });

  test.prop([someCase], { numRuns: 20 })(
    'a sweep over as many chunks as it allows holds no more than the budget',
    async ({ family, layers, kind, chunk, activationBytes }) => {
      const { backend, peak, reset } = watchPeak(await make());
      const { model } = await tinyTransformer({ family, layers, backend });
      const candidates = candidatesLeft(kind, layers, Mask.empty);
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
      await drain(sweep(model, tinyChunks(1, group, chunk).ids, Mask.empty, candidates));
      await backend.dispose();
      expect(peak() - weights).toBeLessThanOrEqual(activationBytes);
    },
  );
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
