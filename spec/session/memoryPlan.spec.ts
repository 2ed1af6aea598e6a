import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { MemoryBudgetError } from '../../src/errors.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import { largestPiece } from '../../src/model/weightPieces.ts';
import { candidatesLeft } from '../../src/prune/candidates.ts';
import { sweep } from '../../src/prune/pricing/sweep.ts';
import {
  memoryNeeds,
  modelsOf,
  mostMemory,
  planMemory,
  planStreams,
  smallestMemory,
  spareBytes,
} from '../../src/session/memoryPlan.ts';
import { tinySource } from '../model/tinyTransformer.ts';
import { someUneven, unevenSource } from '../model/unevenModel.ts';
import { drain, tinyChunks, watchPeak } from '../prune/tinySearch.ts';

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

describe('host memory for streams', () => {
  const bytes = fc.integer({ min: 0, max: 2 ** 30 });
  const wanting = fc.record({
    weightBytes: bytes,
    activationBytes: bytes,
    hostBytes: bytes,
    streamBytes: fc.oneof(bytes, fc.constant(Infinity)),
  });

  test.prop([wanting, bytes, bytes])(
    'leaves what a run needs, and all together are no more than there is',
    (needs, spare, short) => {
      const memoryBytes = smallestMemory(needs) + spare;
      // A backend that was opened beside what the host needs, or that can have less than that.
      const capacityBytes = Math.max(smallestMemory({ ...needs, hostBytes: 0 }), memoryBytes - needs.hostBytes - short);
      const streams = planStreams(memoryBytes, needs, capacityBytes);
      expect(streams).toBeGreaterThanOrEqual(0);
      expect(streams).toBeLessThanOrEqual(needs.streamBytes);
      const plan = planMemory(Math.min(memoryBytes - streams, capacityBytes + needs.hostBytes), needs);
      const { weightBytes, activationBytes } = plan;
      expect(weightBytes).toBeGreaterThanOrEqual(needs.weightBytes - 1);
      expect(activationBytes).toBeGreaterThanOrEqual(needs.activationBytes - 1);
      expect(weightBytes + activationBytes + needs.hostBytes + streams).toBeLessThanOrEqual(memoryBytes);
    },
  );

  it('is what the run would like where there is plenty', () => {
    const needs = { weightBytes: 100, activationBytes: 100, hostBytes: 50, streamBytes: 1000 };
    expect(planStreams(2 ** 20, needs, 2 ** 20)).toBe(1000);
    expect(planStreams(smallestMemory(needs) + 400, needs, 2 ** 20)).toBe(100);
    // What the backend cannot have is nobody else's.
    expect(planStreams(smallestMemory(needs) + 400, needs, smallestMemory(needs) - 50)).toBe(400);
    expect(planStreams(100, needs, 2 ** 20)).toBe(0);
  });
});

describe('two kinds of work in the same memory', async () => {
  const source = await tinySource({ layers: 2 });
  const backend = { nllRowBytes: 24, scratchBytes: (keyLen: number) => 100 * keyLen };
  const some = fc.record({
    chunk: fc.integer({ min: 1, max: 4096 }),
    streams: fc.integer({ min: 1, max: 64 }),
    models: fc.integer({ min: 1, max: 3 }),
    deviceBytes: fc.nat(2 ** 24),
    hostBytes: fc.nat(2 ** 24),
    streamBytes: fc.nat(2 ** 24),
  });

  test.prop([some, some])('need the larger of each, and no more', (first, second) => {
    const both = memoryNeeds(source, { ...first, also: second }, backend);
    const each = [first, second].map((workload) => memoryNeeds(source, workload, backend));
    for (const kind of ['weightBytes', 'activationBytes', 'hostBytes', 'streamBytes'] as const) {
      expect(both[kind]).toBe(Math.max(...each.map((needs) => needs[kind])));
    }
    expect(modelsOf({ ...first, also: second })).toBe(Math.max(first.models, second.models));
    expect(memoryNeeds(source, { ...second, also: first }, backend)).toEqual(both);
  });
});

describe('a plan for a model whose layers are not alike', () => {
  test.prop([someUneven(), fc.integer({ min: 2, max: 12 }), fc.integer({ min: 0, max: 4_000 })], { numRuns: 25 })(
    'gives weights room for the largest piece, and a sweep within it never holds more than it says',
    async (shape, chunk, spare) => {
      const source = unevenSource(shape);
      const { backend, peak } = watchPeak(referenceBackend());
      const candidates = candidatesLeft('mix', source.config, Mask.empty);
      const needs = memoryNeeds(source, { chunk, streams: candidates.length }, backend);
      expect(needs.weightBytes).toBe(largestPiece(source).bytes);
      const bytes = smallestMemory(needs) + spare;
      const plan = planMemory(bytes, needs);
      const model = await Transformer.load(source, backend, Math.ceil(plan.weightBytes));
      const { ids } = tinyChunks(shape.seed, 1, chunk);
      await drain(sweep(model, ids, Mask.empty, candidates));
      expect(peak()).toBeLessThanOrEqual(bytes);
      expect(peak()).toBeGreaterThan(0);
      model.free();
    },
  );

  test.prop([someUneven(), fc.integer({ min: 2, max: 64 }), fc.integer({ min: 1, max: 9 })])(
    'needs no more for a model without some of its blocks',
    (shape, chunk, streams) => {
      const source = unevenSource(shape);
      const backend = referenceBackend();
      const whole = memoryNeeds(source, { chunk, streams }, backend);
      const [first] = walkOf(source.config);
      const layers = source.config.layers.map((spec, layer) => {
        return layer === first.layer ? { ...spec, [first.kind]: null } : spec;
      });
      const cut = memoryNeeds({ ...source, config: { ...source.config, layers } }, { chunk, streams }, backend);
      expect(cut.weightBytes).toBeLessThanOrEqual(whole.weightBytes);
      expect(cut.activationBytes).toBeLessThanOrEqual(whole.activationBytes);
    },
  );
});
