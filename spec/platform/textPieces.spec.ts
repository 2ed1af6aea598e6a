import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import { FormatError, NotFoundError } from '../../src/errors.ts';
import { textPieces } from '../../src/platform/textPieces.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-text-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'x.txt');

async function read(bytes: Uint8Array | string): Promise<string[]> {
  writeFileSync(path, bytes);
  const pieces: string[] = [];
  for await (const piece of textPieces(path)) pieces.push(piece);
  return pieces;
}

describe('a text file in pieces', () => {
  test.prop([fc.string({ unit: 'grapheme' }), fc.integer({ min: 65_000, max: 66_000 })], { numRuns: 30 })(
    'is its text, characters across borders included',
    async (text, before) => {
      const whole = `${'a'.repeat(before)}${text}${'🙂'.repeat(20_000)}\uFEFF`;
      const pieces = await read(whole);
      expect(pieces.join('')).toBe(whole);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(1 << 16);
    },
  );

  it('keeps its byte order mark, for others to see', async () => {
    expect(await read('\uFEFFa')).toEqual(['\uFEFFa']);
    expect(await read('')).toEqual([]);
  });

  const latin = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
  const utf16 = (text: string, big: boolean): Uint8Array => {
    return Uint8Array.from([...text].flatMap((char) => (big ? [0, char.charCodeAt(0)] : [char.charCodeAt(0), 0])));
  };
  it.each<[string, Uint8Array, RegExp]>([
    ['Latin-1', latin('caf\u00e9 cr\u00e8me'), /is not UTF-8 text \(bytes 0 to 10 are not\)/],
    ['a character cut off at the end', Uint8Array.of(97, 0xe2, 0x82), /is not UTF-8 text/],
    ['UTF-16 with a mark', Uint8Array.of(0xff, 0xfe, 97, 0), /is UTF-16LE text, not UTF-8.*iconv -f UTF-16LE/],
    ['UTF-16 of the other order', Uint8Array.of(0xfe, 0xff, 0, 97), /is UTF-16BE text/],
    ['UTF-32', Uint8Array.of(0xff, 0xfe, 0, 0, 97, 0, 0, 0), /is UTF-32LE text/],
    ['UTF-16 without a mark', utf16('plain letters', false), /is UTF-16LE text/],
    ['UTF-16 without a mark, of the other order', utf16('plain letters', true), /is UTF-16BE text/],
  ])('in %s is refused for what it is', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(FormatError);
    await expect(read(bytes)).rejects.toThrow(message);
  });

  it('with a NUL here and there is still text', async () => {
    expect(await read('a\0b\0\0cdefgh')).toEqual(['a\0b\0\0cdefgh']);
  });

  it('that is not there is an error', async () => {
    await expect(textPieces(join(folder, 'none.txt')).next()).rejects.toThrow(NotFoundError);
  });
});
