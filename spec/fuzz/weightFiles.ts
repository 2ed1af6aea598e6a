/** Damaged weight files: safetensors, shard indexes, config.json, GGUF. */
import { fc } from '@fast-check/vitest';
import { parseGguf } from '../../src/formats/gguf/parse.ts';
import { serializeGguf } from '../../src/formats/gguf/write.ts';
import { openFolderModel, openGgufModel, type OpenedModel } from '../../src/formats/modelFiles.ts';
import { parseSafetensors } from '../../src/formats/safetensors/parse.ts';
import { serializeSafetensors } from '../../src/formats/safetensors/write.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';
import { numel } from '../../src/tensor/shape.ts';
import { tinyModel, type TinyArch } from '../formats/gguf/fixtures.ts';
import { metadataMaps, tensorMaps } from '../formats/gguf/values.ts';
import { expectWhole, mutated, someDamage, watchedSource } from '../formats/hostile.ts';
import { jsonBytes, memoryFolder, randomWeights, sharded, singleFile } from '../formats/huggingface/tinyModel.ts';
import { someTensors } from '../formats/safetensors/safetensorsArbitraries.ts';
import { someTextDamage } from '../prune/damagedText.ts';
import { tinyConfig } from '../model/tinyTransformer.ts';
import { target, wrong, type Target } from './target.ts';

const families = ['llama', 'mistral', 'qwen2', 'qwen3', 'gpt2'] as const;
const archs: readonly TinyArch[] = ['llama', 'qwen2', 'qwen3', 'gpt2'];

/** Heavy damage as everywhere, or a single bit, which most often leaves a file that can be read. */
const bytesDamage: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc.oneof(
  someDamage,
  fc.tuple(fc.nat(), fc.nat(7)).map(([at, bit]) => (bytes: Uint8Array) => {
    const flipped = bytes.slice();
    if (flipped.length > 0) flipped[at % flipped.length] ^= 1 << bit;
    return flipped;
  }),
);

const damagedBytes = (files: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc.tuple(fc.constantFrom(...files), bytesDamage).map(([bytes, damage]) => damage(bytes));

/** A header as anybody would read it: JSON behind a length. */
function plainHeader(bytes: Uint8Array): { json: Record<string, any>; end: number } {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return { json: JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))), end: 8 + length };
}

async function feedSafetensors(bytes: Uint8Array): Promise<void> {
  const { tensors } = await parseSafetensors(watchedSource(bytes));
  const { json, end } = plainHeader(bytes);
  const names = Object.keys(json).filter((name) => name !== '__metadata__');
  if (names.length !== tensors.size) wrong(`${tensors.size} tensors of ${names.length}`);
  for (const name of names) {
    const { dtype, shape, data_offsets: offsets } = json[name];
    const found = tensors.get(name) ?? wrong(`no tensor ${name}`);
    const same = found.dtype === dtype && found.shape.join() === shape.join() && found.offset === end + offsets[0];
    if (!same || found.bytes !== offsets[1] - offsets[0]) wrong(`tensor ${name} is not what its header says`);
  }
}

const small = (family: (typeof families)[number]): Record<string, unknown> => ({
  ...tinyConfig(family, 2),
  vocab_size: 258,
});
const whole = families.map((family) => singleFile(small(family)));
const inShards = sharded(small('llama'), 2, randomWeights(small('llama')));

/** Reads every tensor of a model that opened, and some rows, and closes it. */
async function readAll({ weights, tokenizer, close }: OpenedModel): Promise<void> {
  try {
    expectWhole({ ...weights.config });
    for (const [name, { shape }] of weights.tensors) {
      const data = await weights.tensor(name);
      if (data.length !== numel(shape)) wrong(`${name} has ${data.length} numbers for [${shape.join(', ')}]`);
      if (shape.length !== 2) continue;
      const row = await weights.rows(name, shape[0] - 1, shape[0]);
      const last = data.subarray(data.length - shape[1]);
      if (!row.every((value, i) => Object.is(value, last[i]))) wrong(`rows and tensor of ${name} differ`);
    }
    if (tokenizer !== null) for (const id of tokenizer.encode('to be')) if (id >= tokenizer.vocabSize) wrong('id');
  } finally {
    await close();
  }
}

async function feedFolder(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const folder = memoryFolder(new Map(files));
  try {
    await readAll(await openFolderModel(folder, 'folder'));
  } finally {
    if (folder.left !== 0) wrong(`${folder.left} files were left open`);
  }
}

/** A model's files with one of them damaged: its JSON or its bytes. */
const damagedFolder = fc
  .tuple(fc.constantFrom(...whole, inShards), fc.nat(), bytesDamage, someTextDamage)
  .map(([files, which, damage, textDamage]) => {
    const names = [...files.keys()];
    const name = names[which % names.length];
    const bytes = files.get(name) ?? new Uint8Array();
    const text = (): Uint8Array => new TextEncoder().encode(textDamage(new TextDecoder().decode(bytes)));
    return new Map(files).set(name, name.endsWith('.json') ? text() : damage(bytes));
  });

const changedConfig = fc.constantFrom(...families).chain((family) => {
  const files = whole[families.indexOf(family)];
  return mutated(small(family)).map((config) => new Map(files).set('config.json', jsonBytes(config ?? null)));
});

const changedIndex = mutated(JSON.parse(new TextDecoder().decode(inShards.get('model.safetensors.index.json')))).map(
  (index) => new Map(inShards).set('model.safetensors.index.json', jsonBytes(index ?? null)),
);

async function feedGguf(bytes: Uint8Array): Promise<void> {
  const file = await parseGguf(watchedSource(bytes));
  let end = file.dataOffset;
  for (const tensor of [...file.tensors.values()].toSorted((a, b) => a.offset - b.offset)) {
    expectWhole(tensor);
    if (tensor.offset < end || tensor.offset % file.alignment !== 0) wrong('tensors overlap');
    end = tensor.offset + tensor.bytes;
  }
  if (file.tensors.size > 0 && end > bytes.length) wrong('a tensor ends behind the file');
}

const tinyGgufs = archs.map((arch) => serializeGguf(tinyModel(arch)));
const anyGguf = fc
  .tuple(metadataMaps, tensorMaps, bytesDamage)
  .map(([metadata, tensors, damage]) => damage(serializeGguf({ metadata, tensors })));

export const weightFiles: readonly Target[] = [
  target(
    'safetensors',
    20,
    fc.tuple(someTensors, bytesDamage).map(([tensors, damage]) => damage(serializeSafetensors(tensors))),
    feedSafetensors,
  ),
  target('folder', 8, damagedFolder, feedFolder),
  target('config', 12, changedConfig, feedFolder),
  target('index', 4, changedIndex, feedFolder),
  target('gguf', 20, fc.oneof(damagedBytes(tinyGgufs), anyGguf), feedGguf),
  target('ggufModel', 8, damagedBytes(tinyGgufs), async (bytes) => {
    await readAll(await openGgufModel(memoryBytes('x.gguf', bytes), 'x.gguf'));
  }),
];
