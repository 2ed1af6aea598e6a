import { describe, expect, it, test } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { readJson } from '../../src/formats/jsonFile.ts';
import type { ByteSource } from '../../src/platform/byteSource.ts';
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

  it('reads nothing of a file that is far too large, and closes it', async () => {
    const calls: string[] = [];
    const source: ByteSource = {
      ...memoryBytes('huge.json', new Uint8Array()),
      size: 2 ** 28 + 1,
      read: () => Promise.reject(new Error('read')),
      close: () => Promise.resolve(void calls.push('closed')),
    };
    const folder = { name: 'x', files: new Set(['huge.json']), open: () => Promise.resolve(source) };
    await expect(readJson(folder, 'huge.json')).rejects.toThrow(
      new FormatError('has 268435457 bytes, more than any such file.', { where: 'huge.json' }),
    );
    expect(calls).toEqual(['closed']);
  });

  it.each(['{"a": Infinity', '{"a": InfinityX}', '{"a": nan}', '{"a": +Infinity}', '{Infinity: 1}', "{'a': NaN}", ''])(
    'refuses %s',
    async (text) => {
      await expect(read(text)).rejects.toThrow(FormatError);
    },
  );
});
