/** Both ends of the walk: the embedding, and the head over one or many streams. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { DeviceTensor } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { DataError, MemoryBudgetError } from '../../src/errors.ts';
import { continueSequence } from '../../src/model/continueSequence.ts';
import { embeddingOf } from '../../src/model/embedding.ts';
import { headArgmax, headLogits, headNll } from '../../src/model/head.ts';
import { KvCache } from '../../src/model/kvCache.ts';
import { Mask } from '../../src/model/mask.ts';
import { modelTensorNames } from '../../src/model/tensorNames.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import { largestPiece } from '../../src/model/weightPieces.ts';
import { normals, seeds } from '../arbitraries.ts';
import { watchReads } from '../prune/tinySearch.ts';
import { someFamily, someMask, someSequences } from './modelArbitraries.ts';
import { tinySource, tinyTransformer, TINY_CONTEXT, TINY_VOCAB } from './tinyTransformer.ts';
import { someUneven, unevenSource } from './unevenModel.ts';
import { watchOps } from './watchOps.ts';

const LAYERS = 2;
const WIDTH = 16;

/** −ln softmax(logits)[target] in f64. */
function plainNll(logits: Float32Array, target: number): number {
  const most = Math.max(...logits);
  const sum = logits.reduce((total, value) => total + Math.exp(value - most), 0);
  return most + Math.log(sum) - logits[target];
}

const someTargets = (rows: number): fc.Arbitrary<Int32Array> =>
  fc
    .array(fc.integer({ min: -1, max: TINY_VOCAB - 1 }), { minLength: rows, maxLength: rows })
    .map((ids) => Int32Array.from(ids));

/** Targets of a stream's rows, and streams of so many times those rows. */
const someHeads = fc.integer({ min: 1, max: 7 }).chain((rows) =>
  fc.record({
    targets: someTargets(rows),
    stacks: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    seed: seeds,
  }),
);

describe('headNll', () => {
  test.prop([someFamily, someHeads], { numRuns: 40 })(
    'gives each row of each stream, stacked or not, what its logits say; streams are let go of once',
    async (family, { targets, stacks, seed }) => {
      const { model } = await tinyTransformer({ family, layers: 1, seed });
      const { backend, pieces } = model;
      const values = stacks.map((count, at) => normals(seed + at, count * targets.length * WIDTH));
      const store = (x: Float32Array): DeviceTensor => backend.store(x, x.length / WIDTH, WIDTH);
      const logits = [];
      for (const x of values) logits.push(await model.logits(store(x)));
      const held = backend.bytesInUse();

      const released: DeviceTensor[] = [];
      const streams = values.map(store);
      const found = await headNll(pieces, streams, targets, 'f64', (x) => {
        released.push(x);
        backend.free(x);
      });
      expect(released).toEqual(streams);
      expect(backend.bytesInUse()).toBe(held);
      expect(found.map(({ length }) => length)).toEqual(stacks.map((count) => count * targets.length));
      for (const [stream, rows] of found.entries()) {
        for (const [row, value] of rows.entries()) {
          const target = targets[row % targets.length];
          const own = logits[stream].subarray(row * TINY_VOCAB, (row + 1) * TINY_VOCAB);
          if (target < 0) expect(value).toBeNaN();
          else expect(value).toBeCloseTo(plainNll(own, target), 4);
        }
      }
      // A stream gives the same bits on its own, and so does each part of a stack.
      for (const [stream, x] of values.entries()) {
        const parts = Array.from({ length: stacks[stream] }, (_, part) => {
          return store(x.slice(part * targets.length * WIDTH, (part + 1) * targets.length * WIDTH));
        });
        const alone = await model.headNll(parts, targets);
        expect(alone.flatMap((rows) => [...rows])).toEqual([...found[stream]]);
      }
      expect(backend.bytesInUse()).toBe(held);
    },
  );

  test.prop([someHeads, fc.nat(40)], { numRuns: 40 })(
    'lets go of every stream once, and of all that it made, whichever op fails',
    async ({ targets, stacks, seed }, some) => {
      let left = Infinity;
      const backend = watchOps(referenceBackend(), () => {
        if (left-- === 0) throw new Error('this op fails');
      });
      const model = await Transformer.load(await tinySource({ layers: 1 }), backend, 2 ** 22);
      const use = async (fails: number): Promise<number> => {
        const streams = stacks.map((count, at) => {
          const rows = count * targets.length;
          return backend.store(normals(seed + at, rows * WIDTH), rows, WIDTH);
        });
        const released = new Map(streams.map((x) => [x, 0]));
        left = fails;
        const nll = headNll(model.pieces, streams, targets, 'f64', (x) => {
          released.set(x, (released.get(x) ?? 0) + 1);
          backend.free(x);
        });
        if (fails < Infinity) await expect(nll).rejects.toThrow('this op fails');
        else await nll;
        left = Infinity;
        expect([...released.values()]).toEqual(streams.map(() => 1));
        return backend.bytesInUse();
      };
      const held = await use(Infinity);
      // At the least, a norm and a tile of each stream.
      expect(await use(some % (2 * stacks.length))).toBe(held);
      model.free();
      expect(backend.bytesInUse()).toBe(0);
    },
  );
});

describe('headArgmax', () => {
  test.prop([someFamily, seeds, fc.integer({ min: 1, max: 6 })], { numRuns: 25 })(
    'names the first of the highest logits of each row, and no id where one is NaN',
    async (family, seed, rows) => {
      const { model } = await tinyTransformer({ family, layers: 1, seed });
      const values = normals(seed, rows * WIDTH);
      // Every other row is not finite.
      for (let row = 1; row < rows; row += 2) values[row * WIDTH] = NaN;
      const store = (): DeviceTensor => model.backend.store(values, rows, WIDTH);
      const logits = await headLogits(model.pieces, store());
      const best = await headArgmax(model.pieces, store());
      for (let row = 0; row < rows; row++) {
        const own = logits.subarray(row * TINY_VOCAB, (row + 1) * TINY_VOCAB);
        expect(best[row]).toBe(row % 2 === 1 ? -1 : own.indexOf(Math.max(...own)));
      }
    },
  );
});

describe('the embedding', () => {
  test.prop([someFamily, someSequences(), fc.nat(20)], { numRuns: 30 })(
    'is the rows of the tables, added up; each row of the vocabulary is read once',
    async (family, ids, start) => {
      const reads: string[] = [];
      const source = await tinySource({ family });
      const names = modelTensorNames(source.config);
      const found = await embeddingOf(
        watchReads(source, (name) => reads.push(name)),
        ids,
        start,
      );
      const table = await source.tensor(names.embedding);
      const positions = names.positions === null ? null : await source.tensor(names.positions);
      const wanted = ids.flatMap((sequence) =>
        [...sequence].flatMap((id, t) => {
          return Array.from({ length: WIDTH }, (_, i) => {
            return Math.fround(table[id * WIDTH + i] + (positions?.[(start + t) * WIDTH + i] ?? 0));
          });
        }),
      );
      expect([...found]).toEqual(wanted);
      const distinct = new Set(ids.flatMap((sequence) => [...sequence])).size;
      expect(reads.filter((name) => name === names.embedding)).toHaveLength(distinct);
    },
  );

  it.each([-1, TINY_VOCAB, 2 ** 31 - 1])('refuses id %i, wherever it stands', async (id) => {
    const source = await tinySource();
    const ids = [Int32Array.of(1, 2), Int32Array.of(3, id)];
    await expect(embeddingOf(source, ids, 0)).rejects.toThrow(DataError);
    await expect(embeddingOf(source, ids, 0)).rejects.toThrow(`token id ${id} is outside the vocabulary of 37`);
  });

  it('has learned positions to the last one, and no further', async () => {
    const source = await tinySource({ family: 'gpt2' });
    const last = await embeddingOf(source, [Int32Array.of(5, 6)], TINY_CONTEXT - 2);
    expect(last).toHaveLength(2 * WIDTH);
    const beyond = embeddingOf(source, [Int32Array.of(5, 6)], TINY_CONTEXT - 1);
    await expect(beyond).rejects.toThrow("position 64 is beyond the model's 64");
    // Rotary positions have no end.
    expect(await embeddingOf(await tinySource(), [Int32Array.of(5, 6)], 10_000)).toHaveLength(2 * WIDTH);
  });
});

describe('a sequence continued token by token', () => {
  test.prop([someFamily, someMask(LAYERS), someSequences({ minLength: 2, maxLength: 12 }, 1)], { numRuns: 25 })(
    'finds each token as likely as the whole pass finds it',
    async (family, mask, ids) => {
      const { model } = await tinyTransformer({ family, layers: LAYERS });
      const [nll] = await model.nll(ids, mask);
      const cache = new KvCache(model.backend, model.config, mask, ids[0].length);
      for (const [t, value] of nll.entries()) {
        const logits = await continueSequence(model, ids[0].subarray(t, t + 1), mask, cache);
        expect(value).toBeCloseTo(plainNll(logits, ids[0][t + 1]), 4);
      }
      cache.free();
    },
  );
});

describe('weights under the smallest budget', () => {
  test.prop([someUneven(), someSequences(), fc.integer({ min: 0, max: 8_000 })], { numRuns: 30 })(
    'give the bits that they give in any, hold no more than it, and are refused below it',
    async (shape, ids, spare) => {
      const source = unevenSource(shape);
      const { bytes, name } = largestPiece(source);
      const [backend, roomy] = [referenceBackend(), referenceBackend()];
      const model = await Transformer.load(source, backend, bytes + spare);
      const free = await Transformer.load(source, roomy, 2 ** 24);
      const want = await free.nll(ids, Mask.empty);
      expect(await model.nll(ids, Mask.empty)).toEqual(want);
      expect(await model.nll(ids, Mask.empty)).toEqual(want);
      // What is not in the budget: the final norm and the rotary table.
      const { headDim, hiddenSize, rope } = source.config;
      const table = rope === null ? 0 : 2 * 4 * ids[0].length * (headDim / 2);
      expect(backend.bytesInUse()).toBeLessThanOrEqual(bytes + spare + 2 * 4 * hiddenSize + table);
      if (walkOf(source.config).length > 1 && spare === 0) {
        expect(backend.bytesInUse()).toBeLessThan(roomy.bytesInUse());
      }
      model.free();
      expect(backend.bytesInUse()).toBe(0);
      const refused = Transformer.load(source, backend, bytes - 1);
      await expect(refused).rejects.toThrow(MemoryBudgetError);
      await expect(refused).rejects.toThrow(`${name} alone takes 1 MiB`);
    },
  );
});
