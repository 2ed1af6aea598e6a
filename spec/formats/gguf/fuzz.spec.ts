import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { ggufConfig } from '../../../src/formats/gguf/config.ts';
import { parseGguf, type GgufFile } from '../../../src/formats/gguf/parse.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { expectWhole, hostileNumbers, hostileTexts, someDamage, survives, watchedSource } from '../hostile.ts';
import { tinyModel, type TinyArch } from './fixtures.ts';
import { metadataMaps, tensorMaps } from './values.ts';

const archs: readonly TinyArch[] = ['llama', 'qwen2', 'qwen3', 'gpt2'];
const tinyFiles = archs.map((arch) => serializeGguf(tinyModel(arch)));

/** What holds of every file that passes. */
function checkFile(file: GgufFile, size: number): void {
  let end = file.dataOffset;
  for (const tensor of [...file.tensors.values()].toSorted((a, b) => a.offset - b.offset)) {
    expectWhole(tensor);
    expect(tensor.offset).toBeGreaterThanOrEqual(end);
    expect(tensor.offset % file.alignment).toBe(0);
    end = tensor.offset + tensor.bytes;
    expect(end).toBeLessThanOrEqual(size);
  }
  expect([...file.metadata.values()].includes(undefined as never)).toBe(false);
}

const check = (bytes: Uint8Array): Promise<void> =>
  survives(
    () => parseGguf(watchedSource(bytes)),
    (file) => checkFile(file, bytes.length),
  );

/** Bytes behind a good magic and version, so that they are looked at. */
const begun = (rest: Uint8Array): Uint8Array => Uint8Array.from([0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, ...rest]);

test.prop([fc.uint8Array({ maxLength: 200 }), fc.boolean()], { numRuns: 2000 })(
  'random bytes give a file inside its source or a typed error',
  (bytes, started) => check(started ? begun(bytes) : bytes),
);

test.prop([fc.constantFrom(...tinyFiles), someDamage], { numRuns: 5000 })('so do damaged models', (bytes, damage) =>
  check(damage(bytes)),
);

test.prop([metadataMaps, tensorMaps, someDamage], { numRuns: 3500 })(
  'so do damaged files of any values and tensors',
  (metadata, tensors, damage) => check(damage(serializeGguf({ metadata, tensors }))),
);

const whole = tinyFiles.map((bytes) => parseGguf(memoryBytes('x.gguf', bytes)));
const values = fc.oneof(
  fc.constantFrom<unknown>(...hostileTexts, ...hostileNumbers, Number.NaN, Infinity, 2n ** 63n, true, 1, 2, 4, 8),
  fc.constantFrom<unknown>([], [1, 2], [[1]], ['a', 'b'], Float32Array.of(NaN, 1), Uint8Array.of(1, 1)),
);

test.prop([fc.constantFrom(...archs), fc.array(fc.tuple(fc.nat(), values), { minLength: 1, maxLength: 3 })], {
  numRuns: 5000,
})('metadata of wrong values gives a whole config or a typed error', async (arch, changes) => {
  const file = await whole[archs.indexOf(arch)];
  const metadata = new Map<string, unknown>(file.metadata);
  const keys = [
    ...metadata.keys(),
    ...['key_length', 'value_length', 'sliding_window', 'scale'].map((key) => `${arch}.attention.${key}`),
    ...['dimension_count', 'freq_base', 'scaling.type', 'scaling.factor'].map((key) => `${arch}.rope.${key}`),
    'split.count',
  ];
  for (const [place, value] of changes) metadata.set(keys[place % keys.length], value);
  await survives(
    () => ggufConfig({ ...file, metadata: metadata as GgufFile['metadata'] }, null),
    (config) => {
      expectWhole(config);
      for (const { mha } of config.layers) expect((mha?.heads ?? NaN) % (mha?.kvHeads ?? NaN)).toBe(0);
    },
  );
});
