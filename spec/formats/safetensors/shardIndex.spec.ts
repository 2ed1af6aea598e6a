import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { parseShardIndex } from '../../../src/formats/safetensors/shardIndex.ts';

test.prop([fc.dictionary(fc.string(), fc.nat(3), { minKeys: 1 })])(
  'every tensor is mapped, every shard named once',
  (map) => {
    const weightMap = Object.fromEntries(
      Object.entries(map).map(([name, shard]) => [name, `model-${shard}.safetensors`]),
    );
    const index = parseShardIndex({ metadata: { total_size: 1 }, weight_map: weightMap }, 'i');
    expect(Object.fromEntries(index.fileOf)).toEqual(weightMap);
    expect(index.files).toEqual([...new Set(Object.values(weightMap))].toSorted());
  },
);

test.each([
  '..',
  '.',
  '',
  '../model.safetensors',
  '/etc/passwd',
  'sub/model.safetensors',
  String.raw`..\model.safetensors`,
  String.raw`C:\model.safetensors`,
  'C:model.safetensors',
  'a\0b.safetensors',
  '.hidden.safetensors',
])('the shard name %j is refused', (file) => {
  expect(() => parseShardIndex({ weight_map: { a: file } }, 'i')).toThrow(/is not a plain file name/);
});

test.prop([fc.jsonValue()], { numRuns: 500 })('any other JSON is a typed error', (json) => {
  try {
    parseShardIndex({ weight_map: json }, 'i');
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
  }
  expect(() => parseShardIndex(json, 'i')).toThrow(FormatError);
});

test('no shard at all, and thousands, are refused', () => {
  expect(() => parseShardIndex({ weight_map: {} }, 'i')).toThrow(/names 0 shards/);
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`t${i}`, `${i}.safetensors`]));
  expect(() => parseShardIndex({ weight_map: many }, 'i')).toThrow(/names 2000 shards/);
});
