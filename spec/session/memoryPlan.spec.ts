import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MemoryBudgetError } from '../../src/errors.ts';
import { memoryNeeds, mostMemory, planMemory, smallestMemory, spareBytes } from '../../src/session/memoryPlan.ts';
import { tinySource } from '../model/tinyTransformer.ts';

test.prop([fc.integer({ min: 2 ** 16, max: 2 ** 40 })])('what is planned is within what there is', (bytes) => {
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
  'what a run cannot do without is planned for, from the smallest memory on',
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
    const line = /needs at least 128 MiB of memory and has 127 MiB.*Give 128 MiB or more, or take shorter chunks\./;
    expect(() => planMemory(128 * 2 ** 20 - 1, needs)).toThrow(line);
    expect(planMemory(128 * 2 ** 20, needs)).toEqual(needs);
  });

  it('beyond what the backend can have is not asked for', () => {
    const line = /needs at least 128 MiB.*this backend is limited to 0\.0625 GiB\. Take shorter chunks\./;
    expect(() => planMemory(2 ** 26, needs, 2 ** 26)).toThrow(line);
  });

  it('is answered in the words of whoever asked', () => {
    const words = (least: number | null): string => `Say --memory ${least}.`;
    expect(() => planMemory(2 ** 26, needs, Infinity, words)).toThrow(/MiB for activations\. Say --memory 128\./);
    expect(() => planMemory(2 ** 26, needs, 2 ** 26, words)).toThrow(/Say --memory null\./);
  });

  it('only a WebAssembly memory has an end', () => {
    expect(mostMemory({ name: 'simd' })).toBe(2 ** 32);
    expect(mostMemory({ name: 'reference' })).toBe(Infinity);
  });
});

describe('what a run needs', async () => {
  const source = await tinySource({ layers: 2 });
  const backend = { nllRowBytes: 24, scratchBytes: (keyLen: number) => 100 * keyLen };
  const some = fc.record({ chunk: fc.integer({ min: 1, max: 4096 }), streams: fc.integer({ min: 1, max: 64 }) });

  test.prop([some, some])('grows with chunks and streams, its weights with neither', (a, b) => {
    const more = { chunk: Math.max(a.chunk, b.chunk), streams: Math.max(a.streams, b.streams) };
    const [less, most] = [memoryNeeds(source, a, backend), memoryNeeds(source, more, backend)];
    expect(most.activationBytes).toBeGreaterThanOrEqual(less.activationBytes);
    expect(most.weightBytes).toBe(less.weightBytes);
  });

  test.prop([some, fc.integer({ min: 0, max: 2 ** 20 }), fc.integer({ min: 0, max: 2 ** 20 })])(
    "holds the backend's own: its sums a row, and its kernels' scratch",
    (workload, nllRowBytes, scratch) => {
      const needed = (row: number, bytes: number): number =>
        memoryNeeds(source, workload, { nllRowBytes: row, scratchBytes: () => bytes }).activationBytes;
      expect(needed(0, scratch) - needed(0, 0)).toBe(scratch);
      expect(needed(nllRowBytes, 0)).toBeGreaterThanOrEqual(nllRowBytes * workload.chunk * (workload.streams + 1));
    },
  );

  it('nothing is spare until all weights are packed', () => {
    const needs = memoryNeeds(source, { chunk: 8, streams: 4 }, backend);
    expect(spareBytes(source, planMemory(smallestMemory(needs), needs))).toBe(0);
    const plan = planMemory(2 ** 26, needs);
    expect(spareBytes(source, plan)).toBeGreaterThan(0);
    expect(spareBytes(source, plan)).toBeLessThan(plan.weightBytes);
  });
});
