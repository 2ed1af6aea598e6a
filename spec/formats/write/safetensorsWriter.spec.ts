import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { openHfFolder } from '../../../src/formats/huggingface/weightSource.ts';
import { expectedTensors } from '../../../src/formats/huggingface/tensorShapes.ts';
import { transpose } from '../../../src/formats/huggingface/transpose.ts';
import { serializeSafetensors, type TensorToWrite } from '../../../src/formats/safetensors/write.ts';
import { writeModel } from '../../../src/formats/write/modelWriter.ts';
import { safetensorsWriter, storedType, type StoredType } from '../../../src/formats/write/safetensorsWriter.ts';
import { memorySink } from '../../../src/platform/fileSink.ts';
import { decodeBf16, decodeF16, encodeBf16, encodeF16 } from '../../../src/tensor/halfFloat.ts';
import { seeds } from '../../arbitraries.ts';
import { someFamily } from '../../model/modelArbitraries.ts';
import { tinyConfig, tinySource } from '../../model/tinyTransformer.ts';
import { wrappedSource } from '../../model/wrappedSource.ts';
import { jsonBytes, memoryFolder, type Files } from '../huggingface/tinyModel.ts';
import { writerSuite } from './writerSuite.ts';

const CONFIG = 'config.json';

function roundTrip(dtype: StoredType): (value: number) => number {
  return (value) => {
    const out = Float32Array.of(value);
    if (dtype === 'F16') decodeF16(encodeF16(out), out);
    if (dtype === 'BF16') decodeBf16(encodeBf16(out), out);
    return out[0];
  };
}

for (const dtype of ['F32', 'F16', 'BF16'] as const) {
  writerSuite({
    writer: safetensorsWriter(dtype),
    companions: (config) => new Map([[CONFIG, jsonBytes(config)]]),
    open: async (files) => (await openHfFolder(memoryFolder(files))).weights,
    rounded: roundTrip(dtype),
    refused: [
      {
        name: 'a model without some blocks',
        config: (config) => ({
          ...config,
          layers: config.layers.map((layer, at) => ({
            mha: at === 1 ? null : layer.mha,
            mlp: at === 3 ? null : layer.mlp,
          })),
        }),
        reason: /config\.json cannot leave a block out, and L1\.mha, L3\.mlp are not there, so .* as safetensors/,
      },
      {
        name: 'a layer of another width',
        config: (config) => ({
          ...config,
          layers: config.layers.with(2, { ...config.layers[2], mlp: { intermediateSize: 7 } }),
        }),
        reason: /one size for all layers, and layer 2 has another one than layer 0/,
      },
    ],
  });
}

describe('the safetensors writer', () => {
  test.prop([someFamily, seeds], { numRuns: 20 })(
    'gives the bytes of the file made in memory, whatever the family stores the other way round',
    async (family, seed) => {
      const source = await tinySource({ family, seed });
      for (const dtype of ['F32', 'F16', 'BF16'] as const) {
        const files: Files = new Map();
        await writeModel(safetensorsWriter(dtype), source, new Map(), memorySink(files));
        const tensors = new Map<string, TensorToWrite>();
        for (const [name, { shape, transposed }] of expectedTensors(source.config)) {
          const data = await source.tensor(name);
          const turned = transposed ? transpose(data, shape[0], shape[1]) : data;
          tensors.set(name, { shape: transposed ? shape.toReversed() : shape, dtype, data: turned });
        }
        expect(files.get('model.safetensors')).toEqual(serializeSafetensors(tensors));
      }
    },
  );

  test.prop([someFamily, seeds], { numRuns: 10 })('makes a config.json where none is given', async (family, seed) => {
    const source = await tinySource({ family, seed });
    const files: Files = new Map();
    await writeModel(safetensorsWriter('F32'), source, new Map(), memorySink(files));
    const { weights, warnings } = await openHfFolder(memoryFolder(files));
    expect([weights.config, warnings]).toEqual([source.config, []]);
  });

  it('says so where no config.json can say what the config does, and writes nothing', async () => {
    const source = await tinySource();
    const divided = { theta: 1e4, scaling: { type: 'divisors', divisors: [1, 2, 3] } } as const;
    const config = { ...source.config, rope: divided };
    const files: Files = new Map();
    const write = (companions: Files): Promise<void> =>
      writeModel(safetensorsWriter('F32'), wrappedSource(source, { config }), companions, memorySink(files));
    await expect(write(new Map())).rejects.toThrow(/no config\.json can say all.*Give a config\.json of your own/);
    expect(files.size).toBe(0);
    await write(new Map([[CONFIG, jsonBytes(tinyConfig('llama', 2))]]));
    expect(files.size).toBe(2);
  });

  it('writes companions to the letter, before the weights', async () => {
    const order: string[] = [];
    const files: Files = new Map();
    const companions = new Map([
      [CONFIG, jsonBytes(tinyConfig('llama', 2))],
      ['additional_chat_templates/tool.jinja', jsonBytes('x')],
    ]);
    await writeModel(safetensorsWriter('F32'), await tinySource(), companions, async (file) => {
      const sink = await memorySink(files)(file);
      return {
        ...sink,
        async close() {
          order.push(file);
          await sink.close();
        },
      };
    });
    expect(order).toEqual([...companions.keys(), 'model.safetensors']);
    for (const [name, bytes] of companions) expect(files.get(name)).toEqual(bytes);
  });

  it.each([
    [65_504, true],
    [65_519.996, true],
    [65_520, false],
    [-7e4, false],
  ])('writes %d as F16 or says that it cannot: %s', async (value, fits) => {
    const source = await tinySource();
    const name = 'model.layers.0.mlp.up_proj.weight';
    const large = wrappedSource(source, {
      tensor: async (other) => {
        const data = await source.tensor(other);
        return other === name ? data.with(3, value) : data;
      },
    });
    const files: Files = new Map();
    const write = (dtype: StoredType): Promise<void> =>
      writeModel(safetensorsWriter(dtype), large, new Map(), memorySink(files));
    if (fits) return write('F16');
    await expect(write('F16')).rejects.toThrow(
      /in model\.layers\.0\.mlp\.up_proj\.weight is more than F16 holds.*F32 or BF16/,
    );
    expect(files.size).toBe(0);
    await write('BF16');
    return undefined;
  });

  it('stores in the type that most numbers have, and F16 where we do not write that', async () => {
    const source = await tinySource();
    const tensors = (dtypeOf: (bytes: number) => string): typeof source.tensors =>
      new Map([...source.tensors].map(([name, info]) => [name, { ...info, dtype: dtypeOf(info.bytes) }]));
    const type = (dtypeOf: (bytes: number) => string): StoredType =>
      storedType(wrappedSource(source, { tensors: tensors(dtypeOf) }));
    expect(type((bytes) => (bytes > 100 ? 'BF16' : 'F32'))).toBe('BF16');
    expect(type(() => 'F32')).toBe('F32');
    expect(type(() => 'Q4_K')).toBe('F16');
  });
});
