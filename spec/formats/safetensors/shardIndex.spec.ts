import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { parseShardIndex } from '../../../src/formats/safetensors/shardIndex.ts';
import { expectWhole, mutated, nestedJson, survives } from '../hostile.ts';

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

const index = {
  metadata: { total_size: 1 },
  weight_map: { 'model.norm.weight': 'a.safetensors', 'lm_head.weight': 'b.safetensors', 7: 'a.safetensors' },
};
const check = (json: unknown): Promise<void> =>
  survives(
    () => parseShardIndex(json, 'i'),
    ({ fileOf, files }) => {
      expectWhole(fileOf);
      expect(new Set(fileOf.values())).toEqual(new Set(files));
      for (const file of files) expect(file).toMatch(/^[^./\\:][^/\\:\0]*$/);
    },
  );

test.prop([fc.jsonValue()], { numRuns: 1000 })('any other JSON is a typed error', async (json) => {
  expect(() => parseShardIndex(json, 'i')).toThrow(FormatError);
  await check({ weight_map: json });
});

test.prop([mutated(index)], { numRuns: 10_000 })('a damaged index names plain files only, or is a typed error', check);

test('nesting and inherited names are no way in', async () => {
  await check(nestedJson(1e5));
  await check({ weight_map: nestedJson(1e5) });
  await check(JSON.parse('{"weight_map":{"__proto__":"a.safetensors","constructor":"../b"}}'));
  expect(() => parseShardIndex(JSON.parse('{"__proto__":{"weight_map":{"a":"b"}}}'), 'i')).toThrow(FormatError);
});

test('no shard at all, and thousands, are refused', () => {
  expect(() => parseShardIndex({ weight_map: {} }, 'i')).toThrow(/names 0 shards/);
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`t${i}`, `${i}.safetensors`]));
  expect(() => parseShardIndex({ weight_map: many }, 'i')).toThrow(/names 2000 shards/);
});
