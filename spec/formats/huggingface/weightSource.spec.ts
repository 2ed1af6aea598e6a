import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { BlockprunerError, FormatError, NotFoundError, UnsupportedModelError } from '../../../src/errors.ts';
import { openGgufWeights } from '../../../src/formats/gguf/weightSource.ts';
import { openHfFolder } from '../../../src/formats/huggingface/weightSource.ts';
import { serializeSafetensors } from '../../../src/formats/safetensors/write.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import { openFile } from '../../../src/platform/nodeFile.ts';
import { openFolder } from '../../../src/platform/nodeModelFolder.ts';
import type { WeightSource } from '../../../src/model/weights.ts';
import { hasShared, sharedPath } from '../../shared.ts';
import { someDamage } from '../hostile.ts';
import { gpt2, llama, qwen3 } from './configs.ts';
import { jsonBytes, memoryFolder, randomWeights, sharded, singleFile, type Files } from './tinyModel.ts';

const open = async (files: Files): Promise<WeightSource> => (await openHfFolder(memoryFolder(files))).weights;
const without = <T>(map: Map<string, T>, name: string): Map<string, T> =>
  new Map([...map].filter(([key]) => key !== name));

test.prop([fc.constantFrom(llama, qwen3, gpt2), fc.integer({ min: 1, max: 9 }), fc.integer()], { numRuns: 15 })(
  'shards or one file: the same tensors and the same content hash',
  async (config, shards, seed) => {
    const tensors = randomWeights(config, seed);
    const one = await open(singleFile(config, tensors));
    const many = await open(sharded(config, shards, tensors));
    expect(many.tensors).toEqual(one.tensors);
    for (const name of one.tensors.keys()) expect(await many.tensor(name)).toEqual(await one.tensor(name));
    expect(await many.contentHash(nodeHasher())).toBe(await one.contentHash(nodeHasher()));
  },
);

test.prop([fc.nat(262), fc.nat(262)], { numRuns: 30 })(
  'rows are rows of the tensor, and only they are read',
  async (a, b) => {
    const folder = memoryFolder(singleFile(llama));
    const { weights } = await openHfFolder(folder);
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    const all = await weights.tensor('lm_head.weight');
    const before = folder.bytesRead;
    expect(await weights.rows('lm_head.weight', from, to)).toEqual(all.slice(from * 48, to * 48));
    expect(folder.bytesRead - before).toBe((to - from) * 48 * 4);
  },
);

test('rows outside the tensor, of a vector and of an unknown tensor are refused', async () => {
  const weights = await open(singleFile(llama));
  await expect(weights.rows('lm_head.weight', 260, 264)).rejects.toThrow(NotFoundError);
  await expect(weights.rows('lm_head.weight', -1, 2)).rejects.toThrow(NotFoundError);
  await expect(weights.rows('model.norm.weight', 0, 1)).rejects.toThrow(NotFoundError);
  await expect(weights.tensor('nothing')).rejects.toThrow(/no tensor 'nothing'/);
});

test('the content hash changes with any byte, name or dtype, not with the order in the file', async () => {
  const hash = async (files: Files): Promise<string> => (await open(files)).contentHash(nodeHasher());
  const tensors = randomWeights(llama);
  const original = await hash(singleFile(llama, tensors));
  expect(original).toMatch(/^[0-9a-f]{64}$/);
  expect(await hash(singleFile(llama, new Map([...tensors].toReversed())))).toBe(original);
  const files = singleFile(llama, tensors);
  const bytes = files.get('model.safetensors') ?? new Uint8Array();
  expect(
    await hash(files.set('model.safetensors', bytes.with(bytes.length - 1, bytes[bytes.length - 1] ^ 1))),
  ).not.toBe(original);
  const norm = tensors.get('model.norm.weight');
  if (norm === undefined) throw new Error('no norm');
  expect(
    await hash(singleFile(llama, new Map([...tensors, ['model.norm.weight', { ...norm, dtype: 'BF16' }]]))),
  ).not.toBe(original);
});

describe('GPT-2', () => {
  const tensors = randomWeights(gpt2);
  test('Conv1D weights come as [out, in]', async () => {
    const weights = await open(singleFile(gpt2, tensors));
    const name = 'transformer.h.1.attn.c_attn.weight';
    expect(weights.tensors.get(name)?.shape).toEqual([144, 48]);
    const stored = tensors.get(name)?.data ?? new Float32Array();
    const read = await weights.tensor(name);
    for (const [out, inn] of [
      [0, 0],
      [143, 47],
      [5, 31],
      [100, 2],
    ])
      expect(read[out * 48 + inn]).toBe(stored[inn * 144 + out]);
    expect(await weights.rows(name, 7, 9)).toEqual(read.slice(7 * 48, 9 * 48));
  });
  test('names without transformer., and buffers, as in the first release', async () => {
    const bare = new Map([...tensors].map(([name, tensor]) => [name.replace('transformer.', ''), tensor]));
    bare.set('h.0.attn.bias', { shape: [1, 1, 4, 4], dtype: 'F32', data: new Float32Array(16) });
    bare.set('h.0.attn.masked_bias', { shape: [], dtype: 'F32', data: new Float32Array(1) });
    const { weights, warnings } = await openHfFolder(memoryFolder(singleFile(gpt2, bare)));
    expect(warnings).toEqual([]);
    const full = await open(singleFile(gpt2, tensors));
    expect(await weights.contentHash(nodeHasher())).toBe(await full.contentHash(nodeHasher()));
  });
});

test('an untied head that is absent is refused, with the way out', async () => {
  const files = singleFile(llama, without(randomWeights(llama), 'lm_head.weight'));
  await expect(open(files)).rejects.toThrow(/'lm_head.weight' is missing. .*tie_word_embeddings/);
});

test('unknown fields and surplus tensors are told, RoPE buffers are not', async () => {
  const tensors = randomWeights(llama);
  const extra = { shape: [2], dtype: 'F32' as const, data: new Float32Array(2) };
  tensors.set('model.layers.0.self_attn.rotary_emb.inv_freq', extra).set('model.layers.0.self_attn.q_proj.bias', extra);
  const { warnings } = await openHfFolder(memoryFolder(singleFile({ ...llama, novelty: 1 }, tensors)));
  expect(warnings).toEqual([
    "folder: config.json: unknown fields, ignored: 'novelty'.",
    "folder: tensors the config has no use for, ignored: 'model.layers.0.self_attn.q_proj.bias'.",
  ]);
});

describe('bad input', () => {
  const cases: [string, (files: Files) => Files, RegExp, new (message: string) => BlockprunerError][] = [
    ['no config', (files) => without(files, 'config.json'), /config.json: no such file/, NotFoundError],
    [
      'a config that is not JSON',
      (files) => files.set('config.json', jsonBytes('x').subarray(1)),
      /config.json: is not valid JSON/,
      FormatError,
    ],
    ['no weights', (files) => without(files, 'model.safetensors'), /neither model.safetensors nor/, NotFoundError],
    [
      'weights that are not safetensors',
      (files) => files.set('model.safetensors', new Uint8Array(99)),
      /model.safetensors: /,
      FormatError,
    ],
  ];
  test.each(cases)('%s', async (_, change, message, kind) => {
    const folder = memoryFolder(change(singleFile(llama)));
    const error: unknown = await openHfFolder(folder).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
    expect(folder.left).toBe(0);
  });
  test('a missing tensor and one of the wrong shape, by name', async () => {
    const name = 'model.layers.2.mlp.up_proj.weight';
    await expect(open(singleFile(llama, without(randomWeights(llama), name)))).rejects.toThrow(
      `tensor '${name}' is missing`,
    );
    const files = singleFile(llama);
    files.set('config.json', jsonBytes({ ...llama, intermediate_size: 81 }));
    await expect(open(files)).rejects.toThrow(
      /'model.layers.0.mlp.gate_proj.weight' is \[80, 48\], config.json makes it \[81, 48\]/,
    );
  });
  test('integers as weights are refused when they are read', async () => {
    const bytes = serializeSafetensors(randomWeights(llama));
    const text = new TextDecoder('latin1').decode(bytes).replaceAll('"F32"', '"I32"');
    const weights = await open(
      singleFile(llama).set(
        'model.safetensors',
        Uint8Array.from(text, (char) => char.charCodeAt(0)),
      ),
    );
    await expect(weights.tensor('lm_head.weight')).rejects.toThrow(UnsupportedModelError);
    await expect(weights.tensor('lm_head.weight')).rejects.toThrow(/lm_head.weight: dtype I32/);
  });
  test('a missing shard, and a tensor that is not where the index says', async () => {
    const file = 'model-00002-of-00003.safetensors';
    await expect(open(without(sharded(llama, 3), file))).rejects.toThrow(`shard '${file}' is missing`);
    const swapped = sharded(llama, 3);
    swapped.set(file, swapped.get('model-00001-of-00003.safetensors') ?? new Uint8Array());
    const folder = memoryFolder(swapped);
    await expect(openHfFolder(folder)).rejects.toThrow(/model-00002-of-00003.safetensors: tensor '.*' is not there/);
    expect(folder.left).toBe(0);
  });
  test('a shard name that leads out of the folder', async () => {
    const files = sharded(llama, 1).set(
      'model.safetensors.index.json',
      jsonBytes({ weight_map: { a: '../b.safetensors' } }),
    );
    await expect(open(files)).rejects.toThrow(/not a plain file name/);
  });
  const small = { ...llama, num_hidden_layers: 1, hidden_size: 12, intermediate_size: 4, vocab_size: 3 };
  test.prop(
    [someDamage, fc.constantFrom('config.json', 'model.safetensors.index.json', 'model-00001-of-00002.safetensors')],
    {
      numRuns: 1500,
    },
  )('any damage gives a model or a typed error, and leaves no file open', async (damage, file) => {
    const files = sharded(small, 2);
    const folder = memoryFolder(files.set(file, damage(files.get(file) ?? new Uint8Array())));
    try {
      const { weights } = await openHfFolder(folder);
      for (const name of weights.tensors.keys()) await weights.tensor(name);
      await weights.close();
    } catch (error) {
      expect(error).toBeInstanceOf(BlockprunerError);
      if (error instanceof UnsupportedModelError && error.message.includes('dtype')) return;
    }
    expect(folder.left).toBe(0);
  });
});

describe.skipIf(!hasShared)('golden models (skipped without the golden data)', () => {
  const names = [
    'llama',
    'llama-linear-rope',
    'llama-rope3',
    'llama-tied-bias',
    'mistral-swa',
    'qwen2',
    'qwen3',
    'qwen3-tied',
    'gpt2',
  ];
  test.each(names)('%s opens without a warning, and every tensor is finite', async (name) => {
    const { weights, warnings } = await openHfFolder(await openFolder(sharedPath('golden/hf', name)));
    expect(warnings).toEqual([]);
    for (const [tensor, { shape }] of weights.tensors) {
      const data = await weights.tensor(tensor);
      expect(data).toHaveLength(shape.reduce((product, size) => product * size, 1));
      expect(data.every(Number.isFinite)).toBe(true);
    }
    await weights.close();
  });
  // The GGUF files were written from the same models by another program, with projections as [out,
  // in].
  test.each(['llama-rope3', 'llama-tied-bias', 'qwen2', 'qwen3', 'gpt2'])(
    '%s has the tensors of its GGUF file',
    async (name) => {
      const { weights } = await openHfFolder(await openFolder(sharedPath('golden/hf', name)));
      const gguf = (await openGgufWeights(await openFile(sharedPath('golden/gguf', `${name}.gguf`)))).weights;
      // GPT-2's file stores the embedding a second time, as a head: that is tied, and listed once.
      expect([...weights.tensors.keys()].toSorted()).toEqual([...gguf.tensors.keys()].toSorted());
      for (const tensor of weights.tensors.keys())
        expect(await weights.tensor(tensor)).toEqual(await gguf.tensor(tensor));
      await Promise.all([weights.close(), gguf.close()]);
    },
  );
});
