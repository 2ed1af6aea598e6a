/** Gradients of models that were pruned before, and the small parts that gradients are kept in. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { embedSequences } from '../../src/autodiff/embedSequences.ts';
import { GradientSums } from '../../src/autodiff/gradientSums.ts';
import { KeptArrays } from '../../src/autodiff/keptArrays.ts';
import { lossGradients } from '../../src/autodiff/lossGradients.ts';
import { readParameters } from '../../src/autodiff/parameters.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { NonFiniteError } from '../../src/errors.ts';
import type { BlockId } from '../../src/model/blockId.ts';
import { blockTensorNames } from '../../src/model/blockTensors.ts';
import { edited } from '../../src/model/edit.ts';
import { embeddingOf } from '../../src/model/embedding.ts';
import { Mask } from '../../src/model/mask.ts';
import { walkOf } from '../../src/model/walk.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { normals, seeds } from '../arbitraries.ts';
import { someFamily, someSequences } from '../model/modelArbitraries.ts';
import { tinySource, TINY_VOCAB } from '../model/tinyTransformer.ts';
import { someUneven, unevenSource } from '../model/unevenModel.ts';
import { drain, tinyChunks } from '../prune/tinySearch.ts';

const backend = referenceBackend('f64');

async function gradientsOf(source: WeightSource, mask: Mask, seed: number) {
  const { events, result } = await drain(lossGradients(backend, source, mask, tinyChunks(seed, 2, 6)));
  expect(backend.bytesInUse()).toBe(0);
  const gradients = events.filter((event) => event.type === 'gradient');
  return { loss: result.nll, gradients: new Map(gradients.map(({ name, gradient }) => [name, gradient])) };
}

describe('gradients of a model with uneven layers', () => {
  test.prop([someUneven(3), fc.infiniteStream(fc.boolean())], { numRuns: 25 })(
    'are the same whether blocks are masked or cut out, bit for bit',
    async (shape, some) => {
      const source = unevenSource(shape);
      const take = some[Symbol.iterator]();
      const blocks: BlockId[] = walkOf(source.config).filter(() => take.next().value === true);
      const masked = await gradientsOf(source, Mask.of(blocks), shape.seed);
      const cut = edited(source, [{ type: 'remove', blocks }]);
      expect(await gradientsOf(cut, Mask.empty, shape.seed)).toEqual(masked);
      const gone = new Set(blocks.flatMap((block) => blockTensorNames(source.config, block)));
      const wanted = [...source.tensors.keys()].filter((name) => !gone.has(name));
      expect([...masked.gradients.keys()].toSorted()).toEqual(wanted.toSorted());
    },
  );

  test.prop([someUneven(3), seeds], { numRuns: 20 })(
    'say how the loss moves when all weights move a little',
    async (shape, direction) => {
      const source = unevenSource(shape);
      const { gradients } = await gradientsOf(source, Mask.empty, shape.seed);
      const parameters = await readParameters(source);
      const step = 2 ** -10;
      const rng = seededRng(direction);
      const moves = new Map([...parameters].map(([name, { data }]) => [name, data.map(() => rng.normal())] as const));
      /** The model with its weights moved so far, as they then are in f32. */
      const moved = (by: number): WeightSource => ({
        ...source,
        tensor: (name) => Promise.resolve(shifted(name, by)),
        rows(name, from, to) {
          const width = source.tensors.get(name)?.shape[1] ?? 1;
          return Promise.resolve(shifted(name, by).slice(from * width, to * width));
        },
      });
      const shifted = (name: string, by: number): Float32Array => {
        const data = parameters.get(name)?.data ?? [];
        return Float32Array.from(data, (value, i) => value + by * (moves.get(name)?.[i] ?? 0));
      };
      const loss = async (by: number): Promise<number> => (await gradientsOf(moved(by), Mask.empty, shape.seed)).loss;
      let slope = 0;
      let length = 0;
      for (const [name, gradient] of gradients) {
        for (const [i, value] of gradient.entries()) {
          slope += value * (moves.get(name)?.[i] ?? 0);
          length += value ** 2;
        }
      }
      const found = ((await loss(step)) - (await loss(-step))) / (2 * step);
      // A random direction sees about the gradient's length.
      expect(Math.abs(found - slope)).toBeLessThan(0.02 * Math.sqrt(length) + 1e-3);
    },
  );
});

describe('sums of gradients', () => {
  const someTable = fc.record({
    seed: seeds,
    parts: fc.array(fc.array(fc.nat(TINY_VOCAB - 1), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
  });

  test.prop([someTable], { numRuns: 30 })(
    'add rows where their ids say, and are handed over once, in the order asked for',
    async ({ seed, parts }) => {
      const source = await tinySource({ layers: 1 });
      const [table, gain] = ['model.embed_tokens.weight', 'model.norm.weight'];
      const sums = new GradientSums(source);
      const wanted = new Float64Array(TINY_VOCAB * 16);
      const gains = new Float64Array(16);
      for (const [part, ids] of parts.entries()) {
        const values = normals(seed + part, ids.length * 16);
        sums.addRows(table, values, Int32Array.from(ids));
        sums.add(gain, values.subarray(0, 16));
        for (const [at, value] of values.entries()) wanted[ids[Math.floor(at / 16)] * 16 + (at % 16)] += value;
        for (let i = 0; i < 16; i++) gains[i] += values[i];
      }
      const all = await readParameters(source);
      const handed = [...sums.take(all)];
      expect(handed.map(({ name }) => name)).toEqual([...all.keys()].filter((name) => name === table || name === gain));
      for (const { name, gradient, weight } of handed) {
        expect(gradient).toEqual(name === table ? wanted : gains);
        expect(weight).toEqual(all.get(name)?.data);
      }
      expect([...sums.take(all)]).toEqual([]);
    },
  );

  it.each([NaN, Infinity])('refuse %d, naming the tensor and the place', async (wrong) => {
    const source = await tinySource({ layers: 1 });
    const sums = new GradientSums(source);
    const values = new Float32Array(16);
    values[5] = wrong;
    sums.add('model.norm.weight', values);
    const all = await readParameters(source);
    const take = (): unknown => [...sums.take(all)];
    expect(take).toThrow(NonFiniteError);
    sums.add('model.norm.weight', values);
    expect(take).toThrow(`the gradient of model.norm.weight is ${wrong} at 5, though the loss is finite.`);
  });
});

test.prop([someFamily, someSequences()], { numRuns: 20 })(
  'sequences are embedded for training as for inference',
  async (family, ids) => {
    const source = await tinySource({ family });
    const plain = referenceBackend();
    const arrays = new KeptArrays(plain);
    const x = await embedSequences(arrays, source, ids);
    expect([x.rows, x.cols]).toEqual([ids.length * ids[0].length, source.config.hiddenSize]);
    expect(await arrays.download(x)).toEqual(await embeddingOf(source, ids, 0));
    arrays.freeAll();
    expect(plain.bytesInUse()).toBe(0);
  },
);
