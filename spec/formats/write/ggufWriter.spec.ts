import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/backends/reference/referenceBackend.ts';
import { parseGguf } from '../../../src/formats/gguf/parse.ts';
import type { WrittenType } from '../../../src/formats/gguf/quantize.ts';
import type { TypedValue } from '../../../src/formats/gguf/valueTypes.ts';
import { openGgufWeights } from '../../../src/formats/gguf/weightSource.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import { ggufWriter } from '../../../src/formats/write/ggufWriter.ts';
import { writeModel } from '../../../src/formats/write/modelWriter.ts';
import type { ModelConfig } from '../../../src/model/config.ts';
import { edited } from '../../../src/model/edit.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { walkOf } from '../../../src/model/walk.ts';
import type { WeightSource } from '../../../src/model/weights.ts';
import { memorySink } from '../../../src/platform/fileSink.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { decodeBf16, decodeF16, encodeBf16, encodeF16 } from '../../../src/tensor/halfFloat.ts';
import { seeds } from '../../arbitraries.ts';
import { tinySource } from '../../model/tinyTransformer.ts';
import { tinyModel, type TinyArch } from '../gguf/fixtures.ts';
import type { Files } from '../huggingface/tinyModel.ts';
import { writerSuite } from './writerSuite.ts';

const FILE = 'model.gguf';

/** Norms and biases are not rounded: they stay F32 in every file. */
function rounding(type: WrittenType): (value: number, tensor: string) => number {
  return (value, tensor) => {
    const out = Float32Array.of(value);
    if (/norm|bias|ln_/.test(tensor)) return value;
    if (type === 'F16') decodeF16(encodeF16(out), out);
    if (type === 'BF16') decodeBf16(encodeBf16(out), out);
    return out[0];
  };
}

for (const type of ['F32', 'F16', 'BF16'] as const) {
  writerSuite({
    writer: ggufWriter({ file: FILE, metadata: null, type }),
    companions: () => new Map(),
    open: async (files) => (await openGgufWeights(memoryBytes(FILE, files.get(FILE) ?? new Uint8Array()))).weights,
    rounded: rounding(type),
    seen: (config) => ({ ...config, family: config.family === 'mistral' ? 'llama' : config.family }),
    refused: [
      {
        name: 'a model whose last block is gone',
        config: (config) => ({ ...config, layers: config.layers.map(() => ({ mha: null, mlp: null })) }),
        reason: /no block is left, and a GGUF file needs a layer, so this model cannot be written as GGUF/,
      },
      {
        name: 'a Qwen3 whose layers differ',
        config: (config) => ({ ...withoutL1(config), family: 'qwen3', qkNorm: true }),
        reason: /deci, which has no norms of queries and keys/,
      },
      {
        name: 'a GPT-2 whose layers differ',
        config: (config) => ({ ...withoutL1(config), rope: null, learnedPositions: true }),
        reason: /deci, which has no learned positions/,
      },
    ],
  });
}

function withoutL1(config: ModelConfig): ModelConfig {
  return { ...config, layers: config.layers.with(1, { ...config.layers[1], mha: null }) };
}

const ids = [Int32Array.of(1, 3, 5, 2, 7, 9, 4)];

async function nllOf(source: WeightSource, mask: Mask): Promise<Float32Array[]> {
  return (await Transformer.load(source, referenceBackend(), 2 ** 24)).nll(ids, mask);
}

/** A tiny GGUF model, opened. */
async function opened(arch: TinyArch): Promise<{ weights: WeightSource; metadata: ReadonlyMap<string, TypedValue> }> {
  const model = tinyModel(arch);
  const { weights } = await openGgufWeights(memoryBytes('x.gguf', serializeGguf(model)));
  return { weights, metadata: model.metadata };
}

async function rewritten(
  source: WeightSource,
  metadata: ReadonlyMap<string, TypedValue> | null,
  type: WrittenType | null = null,
): Promise<Uint8Array> {
  const files: Files = new Map();
  await writeModel(ggufWriter({ file: FILE, metadata, type }), source, new Map(), memorySink(files));
  return files.get(FILE) ?? expect.unreachable();
}

describe('a pruned GGUF model', () => {
  const some = fc.record({
    arch: fc.constantFrom<TinyArch>('llama', 'qwen2'),
    order: fc.array(fc.nat(1), { minLength: 1, maxLength: 4 }),
    bits: fc.nat(255),
  });

  test.prop([some], { numRuns: 150 })(
    'computes what it did under the mask, to the last bit, in a shape that llama.cpp runs',
    async ({ arch, order, bits }) => {
      const { weights, metadata } = await opened(arch);
      // Up to four layers, of the two that the fixture has.
      const source = edited(weights, [{ type: 'relayer', layers: order }]);
      const walk = walkOf(source.config);
      const gone = walk.filter((_, at) => (bits >> at) & 1);
      if (gone.length === walk.length) return;
      const pruned = edited(source, [{ type: 'remove', blocks: gone }]);
      const bytes = await rewritten(pruned, metadata);
      const file = await parseGguf(memoryBytes(FILE, bytes));
      const { weights: found } = await openGgufWeights(memoryBytes(FILE, bytes));
      expect(await nllOf(found, Mask.empty)).toEqual(await nllOf(source, Mask.of(gone)));

      const { layers } = found.config;
      const written = String(file.metadata.get('general.architecture'));
      for (const key of ['attention.head_count', 'attention.head_count_kv', 'feed_forward_length']) {
        const value = file.metadata.get(`${written}.${key}`);
        if (typeof value === 'object') expect(value).toHaveLength(layers.length);
      }
      // Its graph drops an attention without an MLP, and cannot begin without an attention.
      expect(layers[0].mha).not.toBeNull();
      for (const { mlp } of layers) expect(mlp).not.toBeNull();
      if (written !== 'deci') expect(new Set(layers.map((layer) => JSON.stringify(layer))).size).toBe(1);
    },
  );

  it.each<TinyArch>(['llama', 'qwen2', 'qwen3', 'gpt2'])(
    'of arch %s with nothing removed has the tensors of its file, byte for byte',
    async (arch) => {
      const model = tinyModel(arch);
      const { weights } = await openGgufWeights(memoryBytes('x.gguf', serializeGguf(model)));
      const bytes = await rewritten(weights, model.metadata);
      const file = await parseGguf(memoryBytes(FILE, bytes));
      expect([...file.tensors.keys()].toSorted()).toEqual([...model.tensors.keys()].toSorted());
      for (const [name, { offset, bytes: size }] of file.tensors) {
        expect(bytes.subarray(offset, offset + size), name).toEqual(model.tensors.get(name)?.bytes);
      }
      for (const [key, { type, value }] of model.metadata) {
        expect(file.metadata.get(key), key).toEqual(type === 'f32' ? Math.fround(Number(value)) : value);
      }
    },
  );

  it('whole layers keep the architecture, whichever they are', async () => {
    for (const arch of ['llama', 'qwen2', 'qwen3', 'gpt2'] as const) {
      const { weights, metadata } = await opened(arch);
      const layer0 = walkOf(weights.config).filter(({ layer }) => layer === 0);
      const bytes = await rewritten(edited(weights, [{ type: 'remove', blocks: layer0 }]), metadata);
      const { weights: found, file } = await openGgufWeights(memoryBytes(FILE, bytes));
      expect(file.metadata.get('general.architecture')).toBe(arch);
      expect(file.metadata.get(`${arch}.block_count`)).toBe(1);
      expect(await nllOf(found, Mask.empty)).toEqual(await nllOf(weights, Mask.of(layer0)));
    }
  });
});

describe('quantised tensors', () => {
  const wide = { hidden_size: 64, intermediate_size: 32, head_dim: 32, num_attention_heads: 2, num_key_value_heads: 1 };

  test.prop([fc.constantFrom('llama' as const, 'qwen2' as const), seeds, fc.constantFrom('Q8_0', 'Q4_0')], {
    numRuns: 8,
  })(
    'are copied, never quantised twice, rows of heads moved where the architecture asks',
    async (family, seed, type) => {
      const source = await tinySource({ family, seed, layers: 2, config: wide });
      const bytes = await rewritten(source, null, type as WrittenType);
      const { weights } = await openGgufWeights(memoryBytes(FILE, bytes));
      const matrices = [...weights.tensors].filter(([, { shape }]) => shape.length === 2);
      expect(new Set(matrices.map(([, { dtype }]) => dtype))).toEqual(new Set([type]));
      const gone = [{ layer: 1, kind: 'mha' } as const];
      const again = await rewritten(edited(weights, [{ type: 'remove', blocks: gone }]), null);
      const { weights: found } = await openGgufWeights(memoryBytes(FILE, again));
      expect(found.tensors.get('model.layers.0.self_attn.q_proj.weight')?.dtype).toBe(type);
      expect(await nllOf(found, Mask.empty)).toEqual(await nllOf(weights, Mask.of(gone)));
    },
  );
});
