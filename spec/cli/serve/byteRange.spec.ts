import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { byteRange } from '../../../src/cli/serve/byteRange.ts';
import { contentType } from '../../../src/cli/serve/contentType.ts';

const size = fc.nat({ max: 40 });
const place = fc.nat({ max: 60 });

/** The bytes that a range stands for, as positions. */
function positions(header: string, length: number): number[] | 'beyond' | null {
  const range = byteRange(header, length);
  if (range === null || range === 'beyond') return range;
  return Array.from({ length: range.end - range.start + 1 }, (_, index) => range.start + index);
}

describe('a range', () => {
  test.prop([size, place, place])('from one byte to another is that slice', (length, first, last) => {
    const all = Array.from({ length }, (_, index) => index);
    const slice = all.slice(first, last + 1);
    const expected = last < first ? null : slice.length === 0 ? 'beyond' : slice;
    expect(positions(`bytes=${first}-${last}`, length)).toEqual(expected);
  });

  test.prop([size, place])('without an end goes on to the end; without a start it is the last bytes', (length, n) => {
    const all = Array.from({ length }, (_, index) => index);
    expect(positions(`bytes=${n}-`, length)).toEqual(n < length ? all.slice(n) : 'beyond');
    const last = n === 0 ? [] : all.slice(-n);
    expect(positions(`bytes=-${n}`, length)).toEqual(last.length === 0 ? 'beyond' : last);
  });

  test.prop([fc.string(), size])('of any other text is the whole file, or lies within it', (header, length) => {
    for (const text of [header, `bytes=${header}`]) {
      const range = byteRange(text, length);
      if (range === null || range === 'beyond') continue;
      expect(range.start >= 0 && range.start <= range.end && range.end < length, text).toBe(true);
    }
  });

  it.each([
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=0-1,3-4',
    'bytes=3-1',
    'lines=0-1',
    'bytes=0x1-2',
    'bytes=1.5-2',
    'bytes=-1-2',
    '0-1',
  ])('%j is no range: the whole file', (header) => {
    expect(byteRange(header, 10)).toBeNull();
  });

  it.each([
    [`bytes=0-${'9'.repeat(400)}`, { start: 0, end: 9 }],
    [`bytes=-${'9'.repeat(400)}`, { start: 0, end: 9 }],
    [`bytes=${'9'.repeat(400)}-`, 'beyond'],
    ['BYTES= 2-3 ', { start: 2, end: 3 }],
  ])('numbers of any length are read: %s', (header, range) => {
    expect(byteRange(header, 10)).toEqual(range);
  });
});

it.each([
  ['engine.wasm', 'application/wasm'],
  ['a.mjs', 'text/javascript; charset=utf-8'],
  ['A.JS', 'text/javascript; charset=utf-8'],
  ['report.html', 'text/html; charset=utf-8'],
  ['result.json', 'application/json; charset=utf-8'],
  ['picture.svg', 'image/svg+xml; charset=utf-8'],
  ['README.md', 'text/markdown; charset=utf-8'],
  ['notes.txt', 'text/plain; charset=utf-8'],
  ['model.gguf', 'application/octet-stream'],
  ['model.safetensors', 'application/octet-stream'],
  ['Makefile', 'application/octet-stream'],
  ['a.constructor', 'application/octet-stream'],
])('%s is served as %s', (name, type) => {
  expect(contentType(name)).toBe(type);
});
