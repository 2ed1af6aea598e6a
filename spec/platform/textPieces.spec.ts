import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import { AccessError, FormatError, NotFoundError } from '../../src/errors.ts';
import { decodedText } from '../../src/platform/decodedText.ts';
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

describe('a packed file', () => {
  const packed = join(folder, 'X.TXT.GZ');
  const unpack = async (bytes: Uint8Array): Promise<string> => {
    writeFileSync(packed, bytes);
    let text = '';
    for await (const piece of textPieces(packed)) text += piece;
    return text;
  };

  test.prop([fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 200_000 })], { numRuns: 30 })(
    'is the text that was packed',
    async (text, more) => {
      const whole = `${text}${'é'.repeat(more)}`;
      expect(await unpack(gzipSync(whole))).toBe(whole);
    },
  );

  it('is read and unpacked no further than wanted, and closed', async () => {
    // 64 MiB of noise pack into as much again: a first piece comes long before the last is read.
    let given = 0;
    let closed = false;
    async function* bytes(): AsyncGenerator<Uint8Array> {
      const all = gzipSync(randomBytes(1 << 24).toString('hex'));
      try {
        for (; given < all.length; given += 1 << 16) yield all.subarray(given, given + (1 << 16));
      } finally {
        closed = true;
      }
    }
    for await (const piece of decodedText('x.txt.gz', bytes())) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(closed).toBe(true);
    expect(given).toBeLessThan(1 << 21);
  });

  const whole = gzipSync('a text that is packed '.repeat(100));
  it.each<[string, Uint8Array, RegExp]>([
    ['cut short', whole.subarray(0, 40), /X\.TXT\.GZ: is not one whole gzip file/],
    ['not packed at all', Buffer.from('plain text'), /is not one whole gzip file/],
    ['two in one', Buffer.concat([whole, whole]), /is not one whole gzip file.*several in one\. Pack it again/],
    ['damaged', Buffer.concat([whole.subarray(0, 20), Buffer.alloc(20, 255), whole.subarray(40)]), /is not one whole/],
    ['of text in UTF-16', gzipSync(Buffer.from('plain letters', 'utf16le')), /is UTF-16LE text/],
    ['of text in Latin-1', gzipSync(Buffer.from([99, 0xe9, 99])), /is not UTF-8 text \(bytes 0 to 3/],
    ['empty', new Uint8Array(0), /is not one whole gzip file/],
  ])('that is %s is refused', async (_, bytes, message) => {
    await expect(unpack(bytes)).rejects.toThrow(FormatError);
    await expect(unpack(bytes)).rejects.toThrow(message);
  });

  it('that is not there, or fails while it is read, is the error of the file', async () => {
    await expect(textPieces(join(folder, 'none.txt.gz')).next()).rejects.toThrow(NotFoundError);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield whole.subarray(0, 30);
      throw new AccessError('the disk is gone.');
    }
    const readAll = async (): Promise<void> => {
      for await (const piece of decodedText('x.txt.gz', failing())) expect(piece).not.toBe('');
    };
    await expect(readAll()).rejects.toThrow(AccessError);
  });
});
