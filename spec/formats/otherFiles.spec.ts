/**
 * Files that are not models, and models in unusual wrappings: named for what they are, or opened.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnsupportedModelError } from '../../src/errors.ts';
import type { GgufType, GgufValue, TypedValue } from '../../src/formats/gguf/valueTypes.ts';
import { serializeGguf } from '../../src/formats/gguf/write.ts';
import { openModel, type OpenedModel } from '../../src/formats/openModel.ts';
import { repoOf } from '../hub/hubServer.ts';
import { withFolder, withHub } from '../hub/withHub.ts';
import { hasShared, sharedPath } from '../shared.ts';
import { f32Tensor, tinyModel, typed } from './gguf/fixtures.ts';
import { llama } from './huggingface/configs.ts';
import { jsonBytes, randomWeights, sharded, singleFile, type Files } from './huggingface/tinyModel.ts';

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const LFS = latin1('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 4999999\n');

async function opened(files: Files, file = ''): Promise<OpenedModel> {
  let model: OpenedModel | null = null;
  await withFolder(async (folder) => {
    for (const [name, bytes] of files) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), bytes);
    }
    model = await openModel(join(folder, file));
    await model.close();
  });
  if (model === null) throw new Error('not opened');
  return model;
}

/** A GGUF file with one tensor and these keys. */
function gguf(keys: Readonly<Record<string, GgufValue>>, tensors = 1): Uint8Array {
  const type = (value: GgufValue): GgufType => (typeof value === 'string' ? 'string' : 'u32');
  return serializeGguf({
    metadata: new Map(Object.entries(keys).map(([key, value]) => [key, typed(type(value), value)])),
    tensors: new Map(tensors === 0 ? [] : [['blk.0.attn_q.weight.lora_a', f32Tensor([4], new Float32Array(4))]]),
  });
}

describe('a GGUF file that is not a model', () => {
  it.each([
    [
      'an adapter',
      gguf({ 'general.type': 'adapter', 'general.architecture': 'llama' }),
      /is an adapter \(LoRA\), not a model\. Give the base/,
    ],
    ['an older adapter', gguf({ 'general.architecture': 'llama', 'adapter.type': 'lora' }), /is an adapter/],
    [
      'a projector',
      gguf({ 'general.type': 'mmproj', 'general.architecture': 'clip' }),
      /is the projector of a multimodal model/,
    ],
    ['an older projector', gguf({ 'general.architecture': 'clip' }), /is the projector/],
    ['an importance matrix', gguf({ 'general.type': 'imatrix' }), /is an importance matrix \(imatrix\)/],
    ['an importance matrix by its keys', gguf({ 'imatrix.chunk_count': 7 }), /is an importance matrix/],
    ['a control vector', gguf({ 'general.architecture': 'controlvector' }), /is a control vector/],
    ['a vocabulary', gguf({ 'general.architecture': 'llama' }, 0), /has no tensors, a vocabulary at most/],
  ])('%s', async (_, bytes, message) => {
    const failure = opened(new Map([['a.gguf', bytes]]), 'a.gguf');
    await expect(failure).rejects.toThrow(UnsupportedModelError);
    await expect(failure).rejects.toThrow(message);
  });

  it.skipIf(!hasShared).each([
    ['lora.gguf', /lora\.gguf: is an adapter \(LoRA\), not a model/],
    [
      'model-00002-of-00002.gguf',
      /is part 2 of 2 of a split model\. Give its first part, 'model-00001-of-00002\.gguf'/,
    ],
  ])('%s (skipped without the faults)', async (file, message) => {
    await expect(openModel(sharedPath('faults', file))).rejects.toThrow(message);
  });
});

describe('a file of another kind', () => {
  it.each([
    ['a Git LFS pointer', LFS, /is a Git LFS pointer: the file itself was not downloaded\. Run git lfs pull/],
    ['a web page', latin1('<!DOCTYPE html><html><head><title>Log in</title>'), /is a web page/],
    ['an old GGML file', latin1('tjgg\u0003\u0000\u0000\u0000'.repeat(8)), /which GGUF has replaced/],
    ['a zipped PyTorch file', latin1('PK\u0003\u0004'.repeat(20)), /as PyTorch saves them/],
    ['a pickle', latin1('\u0080\u0002}q\u0000'.repeat(9)), /as PyTorch saves them/],
    ['an HDF5 file', latin1('\u0089HDF\r\n'.repeat(9)), /is an HDF5 file/],
    ['a compressed file', latin1('\u001F\u008B\u0008\u0000'.repeat(9)), /is a compressed archive/],
  ])('%s, as a GGUF file, as safetensors, as a shard', async (_, bytes, message) => {
    await expect(opened(new Map([['a.gguf', bytes]]), 'a.gguf')).rejects.toThrow(message);
    await expect(opened(new Map([['weights', bytes]]), 'weights')).rejects.toThrow(message);
    await expect(opened(singleFile(llama).set('model.safetensors', bytes))).rejects.toThrow(message);
    const shards = sharded(llama, 2).set('model-00002-of-00002.safetensors', bytes);
    await expect(opened(shards)).rejects.toThrow(message);
  });

  it('a Git LFS pointer as a JSON file, of the model or of its tokenizer', async () => {
    await expect(opened(singleFile(llama).set('config.json', LFS))).rejects.toThrow(
      /config\.json: is a Git LFS pointer/,
    );
    const { tokenizerNote } = await opened(singleFile(llama).set('tokenizer.json', LFS));
    expect(tokenizerNote).toMatch(/tokenizer\.json: is a Git LFS pointer/);
  });

  it('a GGUF file by the name of safetensors', async () => {
    const bytes = serializeGguf(tinyModel('llama'));
    await expect(opened(singleFile(llama).set('model.safetensors', bytes))).rejects.toThrow(/is a GGUF file/);
  });
});

describe('a folder without safetensors', () => {
  const config: Files = new Map([['config.json', jsonBytes(llama)]]);
  const one = new Uint8Array(1);
  it.each<[string, string[], RegExp]>([
    ['PyTorch', ['pytorch_model.bin'], /a format of PyTorch alone: 'pytorch_model\.bin'\. Load it in transformers/],
    [
      'PyTorch in shards',
      ['pytorch_model.bin.index.json', 'pytorch_model-00001-of-00002.bin'],
      /a format of PyTorch alone/,
    ],
    ['consolidated PyTorch', ['consolidated.00.pth'], /a format of PyTorch alone/],
    ['TensorFlow', ['tf_model.h5'], /a format of TensorFlow alone/],
    ['Flax', ['flax_model.msgpack'], /a format of Flax alone/],
    [
      'an adapter beside a config',
      ['adapter_config.json', 'adapter_model.safetensors'],
      /holds an adapter \(LoRA\), not a model/,
    ],
    [
      'shards without their index',
      ['model-00001-of-00002.safetensors'],
      /has 'model-00001-of-00002\.safetensors', but neither/,
    ],
    ['other safetensors', ['consolidated.safetensors'], /has 'consolidated\.safetensors', but neither/],
  ])('%s', async (_, names, message) => {
    await expect(opened(new Map([...config, ...names.map((name) => [name, one] as const)]))).rejects.toThrow(message);
  });

  it('an adapter alone', async () => {
    await expect(
      opened(
        new Map([
          ['adapter_config.json', one],
          ['adapter_model.safetensors', one],
        ]),
      ),
    ).rejects.toThrow(/holds an adapter/);
  });

  it('on the hub', async () => {
    const files: Files = new Map([...config, ['pytorch_model.bin', one]]);
    await withHub({ 'lab/bin': repoOf(files) }, async ({ options }) => {
      await expect(openModel('lab/bin', options)).rejects.toThrow(
        /lab\/bin: has its weights in a format of PyTorch alone/,
      );
    });
  });

  it.each([
    ['a stub', { model_type: 'llama' }],
    ['a whole config', llama],
  ])('with %s and one .gguf: that is the model', async (_, json) => {
    const files: Files = new Map([
      ['config.json', jsonBytes(json)],
      ['m.Q8_0.gguf', serializeGguf(tinyModel('llama'))],
    ]);
    expect((await opened(files)).description).toMatch(/\(GGUF\)$/);
    const two = new Map([...files, ['n.gguf', one]]);
    await expect(opened(two)).rejects.toThrow(/has no safetensors and 2 \.gguf files\. Name one/);
  });

  it.skipIf(!hasShared)('gguf_with_config (skipped without the faults)', async () => {
    const model = await openModel(sharedPath('faults/gguf_with_config'));
    expect(model.description).toMatch(/\(GGUF\)$/);
    await model.close();
  });
});

describe('GGUF metadata with flaws that change nothing', () => {
  const withKey = (key: string, type: GgufType, value: GgufValue): Files => {
    const model = tinyModel('llama');
    model.metadata.set(key, typed(type, value));
    return new Map([['a.gguf', serializeGguf(model)]]);
  };
  /** The file with the text `from` replaced by bytes that are not UTF-8. */
  const spoiled = (files: Files, from: string): Files => {
    const bytes = Buffer.from(files.get('a.gguf') ?? []);
    const at = bytes.indexOf(from);
    expect(at).toBeGreaterThan(0);
    bytes.fill(0xff, at, at + from.length);
    return new Map([['a.gguf', bytes]]);
  };

  it.each<[string, Files]>([
    ['a description that is not UTF-8', spoiled(withKey('general.description', 'string', 'Caf.'), 'Caf.')],
    ['a list of tags that is not UTF-8', spoiled(withKey('general.tags', { array: 'string' }, ['ok', 'tag!']), 'tag!')],
    ['a key that is not UTF-8', spoiled(withKey('general.note', 'string', 'x'), 'general.note')],
    ['a text that ends in NUL', withKey('general.name', 'string', 'tiny\0\0')],
  ])('%s', async (_, files) => {
    expect((await opened(files, 'a.gguf')).warnings).toEqual([]);
  });

  it('text of the tokenizer that is not UTF-8: the model opens, and the tokenizer says why not', async () => {
    const model = tinyModel('llama');
    model.metadata.set('tokenizer.ggml.tokens', typed({ array: 'string' }, ['<s>', 'tokenfour', 'ä']));
    const { tokenizer, tokenizerNote } = await opened(
      spoiled(new Map([['a.gguf', serializeGguf(model)]]), 'tokenfour'),
      'a.gguf',
    );
    expect(tokenizer).toBeNull();
    expect(tokenizerNote).toMatch(/a\.gguf: tokenizer\.ggml\.tokens holds text that is not UTF-8/);
  });

  it('an architecture that is not UTF-8 is still refused', async () => {
    await expect(
      opened(spoiled(withKey('general.architecture', 'string', 'llama'), 'llama'), 'a.gguf'),
    ).rejects.toThrow(UnsupportedModelError);
  });

  const id = (type: GgufType, value: GgufValue): TypedValue => typed(type, value);
  it.each([
    ['−1 as u32', 'bos_token_id', id('u32', 2 ** 32 - 1), 'bos_token_id 4294967295'],
    ['−1 as i32', 'eos_token_id', id('i32', -1), 'eos_token_id -1'],
    ['beyond the vocabulary', 'padding_token_id', id('u32', 11), 'padding_token_id 11'],
    ['beyond any number', 'eot_token_id', id('u64', 2n ** 63n), 'eot_token_id 9223372036854775808'],
  ])('a token id of %s is ignored with a warning', async (_, key, value, said) => {
    const model = tinyModel('llama');
    model.metadata.set(`tokenizer.ggml.${key}`, value);
    const { warnings, weights } = await opened(new Map([['a.gguf', serializeGguf(model)]]), 'a.gguf');
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`outside the vocabulary, ignored: ${said}\\.$`))]);
    if (key === 'bos_token_id') expect(weights.config.bosTokenId).toBeNull();
  });

  it.skipIf(!hasShared).each([
    ['bos_oob.gguf', ['bos_token_id 4294967295']],
    ['desc_bad_utf8.gguf', []],
  ])('%s opens with its tokenizer (skipped without the faults)', async (file, said) => {
    const model = await openModel(sharedPath('faults', file));
    expect(model.tokenizer).not.toBeNull();
    expect(model.warnings).toEqual(said.map((text) => expect.stringContaining(text)));
    await model.close();
  });
});

describe('token ids of config.json outside the vocabulary', () => {
  it('are ignored with a warning, each by its field', async () => {
    const ids = { bos_token_id: 263, eos_token_id: [5, 999], pad_token_id: 32_000 };
    const { warnings, weights } = await opened(singleFile({ ...llama, ...ids }));
    expect(weights.config).toMatchObject({ bosTokenId: null, eosTokenIds: [5], padTokenId: null });
    expect(warnings).toEqual([
      expect.stringMatching(
        /outside the vocabulary of 263 tokens, ignored: bos_token_id 263, eos_token_id 999, pad_token_id 32000\.$/,
      ),
    ]);
  });
});

describe('an index', () => {
  const index = (files: Files, more: Record<string, string>): Files => {
    const json = JSON.parse(new TextDecoder().decode(files.get('model.safetensors.index.json'))) as {
      weight_map: object;
    };
    return files.set('model.safetensors.index.json', jsonBytes({ weight_map: { ...json.weight_map, ...more } }));
  };
  const file = 'model-00001-of-00002.safetensors';

  it.each([
    ['that no shard has', file],
    ['of a shard that is not there', 'vision.safetensors'],
  ])('may name tensors nobody needs %s', async (_, shard) => {
    const { warnings } = await opened(index(sharded(llama, 2), { 'visual.patch.weight': shard }));
    expect(warnings).toEqual([
      expect.stringMatching(
        /names tensors that are not there; the model does not need them: 'visual\.patch\.weight'\.$/,
      ),
    ]);
  });

  it('that does not list what its shards have does not hide it', async () => {
    const files = sharded(llama, 2);
    files.set(
      'model.safetensors.index.json',
      jsonBytes({ weight_map: { a: file, b: 'model-00002-of-00002.safetensors' } }),
    );
    expect((await opened(files)).warnings).toHaveLength(1);
    const twice = new Map([...files, ['model-00002-of-00002.safetensors', files.get(file) ?? new Uint8Array()]]);
    await expect(opened(twice)).rejects.toThrow(
      /is in two shards, and model\.safetensors\.index\.json names none of them/,
    );
  });
});

it('__metadata__: null counts as no metadata', async () => {
  const files = singleFile(llama, randomWeights(llama));
  const bytes = files.get('model.safetensors') ?? new Uint8Array();
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as object;
  const text = jsonBytes({ ...header, __metadata__: null });
  const whole = new Uint8Array(8 + text.length + bytes.length - 8 - length);
  new DataView(whole.buffer).setBigUint64(0, BigInt(text.length), true);
  whole.set(text, 8);
  whole.set(bytes.subarray(8 + length), 8 + text.length);
  expect((await opened(files.set('model.safetensors', whole))).warnings).toEqual([]);
});
