import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { AccessError, FileChangedError, FormatError } from '../../src/errors.ts';
import { blobBytes } from '../../src/web/blobBytes.ts';

test.prop([fc.uint8Array({ maxLength: 50 }), fc.nat(60), fc.nat(60)])(
  'reads any range of a blob, and refuses one that leaves it',
  async (bytes, offset, length) => {
    const source = blobBytes('x.gguf', new Blob([bytes.slice()]));
    expect(source.size).toBe(bytes.length);
    if (offset + length <= bytes.length) {
      expect(await source.read(offset, length)).toEqual(bytes.slice(offset, offset + length));
    } else {
      await expect(source.read(offset, length)).rejects.toThrow(FormatError);
    }
  },
);

it('refuses ranges before the beginning', async () => {
  const source = blobBytes('x.gguf', new Blob(['abc']));
  await expect(source.read(-1, 2)).rejects.toThrow('x.gguf: truncated');
  await expect(source.read(2, -1)).rejects.toThrow(FormatError);
});

describe('a file that is changed after it was chosen', () => {
  /**
   * What a page holds of a chosen file; a browser gives another size or date, or refuses, once the
   * file is another.
   */
  class ChosenFile extends File {
    now: { size?: number; lastModified?: number; failure?: Error; bytes?: Uint8Array<ArrayBuffer> } = {};

    override get size(): number {
      return this.now.size ?? super.size;
    }

    override get lastModified(): number {
      return this.now.lastModified ?? super.lastModified;
    }

    override slice(from?: number, to?: number): Blob {
      const piece = new Blob([this.now.bytes?.slice(from, to) ?? super.slice(from, to)]);
      const { failure } = this.now;
      if (failure !== undefined) piece.arrayBuffer = () => Promise.reject(failure);
      return piece;
    }
  }

  const content = Uint8Array.from({ length: 50 }, (_, i) => i);
  const chosen = (): ChosenFile => new ChosenFile([content], 'x.gguf', { lastModified: 1000 });

  it.each<[string, ChosenFile['now']]>([
    ['it is longer', { size: 51 }],
    ['it is shorter', { size: 49, bytes: content.slice(0, 49) }],
    ['it is as long, and was written to later', { lastModified: 2000 }],
    ['its date was set back', { lastModified: 0 }],
    ['the browser refuses to read it', { failure: new DOMException('changed', 'NotReadableError') }],
    ['the browser gives less than was asked for', { bytes: content.slice(0, 20) }],
  ])('%s: the next read says so, and so does the look before the result', async (_, now) => {
    const file = chosen();
    const source = blobBytes('x.gguf', file);
    expect(await source.read(10, 30)).toEqual(content.slice(10, 40));
    await source.assertUnchanged();
    file.now = now;
    const message = 'x.gguf: the file was changed or removed after it was chosen. Choose it again.';
    for (const look of [source.read(10, 30), source.assertUnchanged()]) {
      const failure: unknown = await look.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(FileChangedError);
      expect(String(failure)).toBe(`FileChangedError: ${message}`);
    }
    // As it was chosen again, it is read.
    file.now = {};
    expect(await source.read(10, 30)).toEqual(content.slice(10, 40));
  });

  it('an empty file that is filled is noticed, too', async () => {
    const file = new ChosenFile([], 'x.gguf', { lastModified: 1000 });
    const source = blobBytes('x.gguf', file);
    await source.assertUnchanged();
    file.now = { size: 1 };
    await expect(source.assertUnchanged()).rejects.toThrow(FileChangedError);
  });

  it('another failure is told as what it is', async () => {
    const file = chosen();
    const source = blobBytes('x.gguf', file);
    for (const failure of [new DOMException('no', 'NotFoundError'), new Error('no')]) {
      file.now = { failure };
      const told: unknown = await source.read(0, 5).catch((error: unknown) => error);
      expect(told).toBeInstanceOf(AccessError);
      expect((told as Error).message).toBe('x.gguf: cannot be read any more. Choose the file again.');
      expect((told as Error).cause).toBe(failure);
    }
  });

  it('bytes that are no file have no date, and are read as they are', async () => {
    const source = blobBytes('x.gguf', new Blob([content]));
    await source.assertUnchanged();
    expect(await source.read(49, 1)).toEqual(content.slice(49));
  });
});
