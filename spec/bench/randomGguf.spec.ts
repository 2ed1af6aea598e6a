import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { randomGguf, shapes, weightTypes, type RandomModel } from '../../bench/randomGguf.ts';
import { parseGguf } from '../../src/formats/gguf/parse.ts';
import { openGgufWeights } from '../../src/formats/gguf/weightSource.ts';
import { configFields } from '../../src/model/config.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';
import { ggufTokenizer } from '../../src/tokenizer/ggufTokenizer.ts';
import { reference } from '../prune/tinySearch.ts';

async function collect(model: RandomModel): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of randomGguf(model)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const someModel: fc.Arbitrary<RandomModel> = fc.record({
  shape: fc.record({
    layers: fc.integer({ min: 1, max: 3 }),
    hidden: fc.constantFrom(48, 64),
    intermediate: fc.constantFrom(96, 128),
    heads: fc.constantFrom(4, 8),
    kvHeads: fc.constantFrom(1, 4),
    vocab: fc.integer({ min: 300, max: 400 }),
    context: fc.constantFrom(32, 64),
    ropeTheta: fc.constantFrom(1e4, 5e5),
    tied: fc.boolean(),
  }),
  type: fc.constantFrom(...weightTypes),
  seed: fc.nat(),
  vocabulary: fc.boolean(),
});

/**
 * How far the variance of so many values may be from that of what they are drawn from, as a share:
 * seven standard errors, where an equally likely value has a fourth moment of 1.8 squared
 * variances. Chance is beyond that in one of 1e10 matrices.
 */
function varianceLimit(values: number): number {
  return 7 * Math.sqrt((1.8 - 1) / values);
}

describe('randomGguf', () => {
  test.prop([someModel], { numRuns: 20 })(
    'writes a model of the given shape whose activations stay finite',
    async (model) => {
      const { shape } = model;
      const { weights, file } = await openGgufWeights(memoryBytes('random', await collect(model)));
      expect(configFields(weights.config)).toMatchObject({
        hiddenSize: shape.hidden,
        intermediateSize: shape.intermediate,
        numHiddenLayers: shape.layers,
        numAttentionHeads: shape.heads,
        numKeyValueHeads: shape.kvHeads,
        vocabSize: shape.vocab,
        maxPositionEmbeddings: shape.context,
        tieWordEmbeddings: shape.tied,
      });
      for (const [name, { shape: sizes, dtype }] of weights.tensors) {
        const [, width] = sizes;
        expect(dtype.toLowerCase()).toBe(width === undefined ? 'f32' : width % 32 === 0 ? model.type : 'f16');
        if (width === undefined) continue;
        const values = await weights.tensor(name);
        // A row times one of variance 1 is of about variance 1.
        const { length } = values;
        const mean = values.reduce((sum, value) => sum + value, 0) / length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (length - 1);
        expect(Math.abs(variance * width - 1), name).toBeLessThan(varianceLimit(length));
      }
      if (model.vocabulary) expect(ggufTokenizer(file.metadata, 'random').encode('ä').length).toBeGreaterThan(0);
      const transformer = await Transformer.load(weights, await reference.make(), 2 ** 30);
      const [nll] = await transformer.nll([Int32Array.of(5, 250, 17, 299)], Mask.empty);
      expect(nll.every(Number.isFinite)).toBe(true);
    },
  );

  test.prop([someModel], { numRuns: 10 })(
    'gives the same bytes for the same seed, and others for another',
    async (model) => {
      const bytes = await collect(model);
      expect(Buffer.compare(await collect(model), bytes)).toBe(0);
      expect(Buffer.compare(await collect({ ...model, seed: model.seed + 1 }), bytes)).not.toBe(0);
    },
  );

  it('has TinyLlama at its real size', async () => {
    const pieces = randomGguf({ shape: shapes.tinyllama, type: 'q8_0', seed: 1, vocabulary: false });
    const { value: header } = await pieces.next();
    await pieces.return();
    // The header alone, in a file as long as the whole.
    const read = (offset: number, length: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(length);
      if (header instanceof Uint8Array) bytes.set(header.subarray(offset, offset + length));
      return Promise.resolve(bytes);
    };
    const file = await parseGguf({
      name: 'random',
      size: 2 ** 31,
      read,
      assertUnchanged: () => Promise.resolve(),
      close: () => Promise.resolve(),
    });
    const sizes = [...file.tensors.values()].map(({ dims }) => dims.reduce((product, size) => product * size, 1));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_100_048_384);
  });
});
