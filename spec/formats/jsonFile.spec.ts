import { describe, expect, it, test } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { readJson } from '../../src/formats/jsonFile.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';

function read(text: string): Promise<unknown> {
  const bytes = new TextEncoder().encode(text);
  return readJson(
    { name: 'x', files: new Set(['a.json']), open: (file) => Promise.resolve(memoryBytes(file, bytes)) },
    'a.json',
  );
}

describe('readJson', () => {
  // json.dumps of Python writes these, and models of the hub have them.
  test.each<[string, unknown]>([
    ['{"limit": [0.0, Infinity]}', { limit: [0, Infinity] }],
    ['{"a": -Infinity, "b": NaN, "c": [Infinity,-Infinity]}', { a: -Infinity, b: 'NaN', c: [Infinity, -Infinity] }],
    ['{"NaN": Infinity, "Infinity": "-Infinity"}', { NaN: Infinity, Infinity: '-Infinity' }],
    [String.raw`{"a": "\"NaN, Infinity\\", "b": NaN}`, { a: '"NaN, Infinity\\', b: 'NaN' }],
    ['{"a": "NaN"}', { a: 'NaN' }],
    ['\u{FEFF}{"a": 1}', { a: 1 }],
  ])('reads %s', async (text, value) => {
    expect(await read(text)).toEqual(value);
  });

  it.each(['{"a": Infinity', '{"a": InfinityX}', '{"a": nan}', '{"a": +Infinity}', '{Infinity: 1}', "{'a': NaN}", ''])(
    'refuses %s',
    async (text) => {
      await expect(read(text)).rejects.toThrow(FormatError);
    },
  );
});
