import { appendFile, chmod, mkdir, open, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it, vi } from 'vitest';
import { AccessError, BlockprunerError, FormatError, NotFoundError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/platform/byteSource.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';
import { openFile, readTextFile } from '../../src/platform/nodeFile.ts';
import { kindOfPath, openFolder } from '../../src/platform/nodeModelFolder.ts';
import { withFolder } from '../hub/withHub.ts';

const content = fc.uint8Array({ maxLength: 300 });
const place = fc.integer({ min: -5, max: 320 });

/** The same bytes in memory and in a file. */
async function withSources(bytes: Uint8Array, run: (source: ByteSource, path: string) => Promise<void>): Promise<void> {
  await run(memoryBytes('memory', bytes), 'memory');
  await withFolder(async (folder) => {
    const path = join(folder, 'a file');
    await writeFile(path, bytes);
    const source = await openFile(path);
    await run(source, path);
    await source.close();
  });
}

test.prop([content, place, place], { numRuns: 60 })(
  'a range is read exactly, or refused where any of it lies outside',
  async (bytes, offset, length) => {
    await withSources(bytes, async (source, name) => {
      expect(source).toMatchObject({ name, size: bytes.length });
      const read = source.read(offset, length);
      if (offset >= 0 && length >= 0 && offset + length <= bytes.length) {
        const got = await read;
        expect(got).toEqual(bytes.slice(offset, offset + length));
        // The reader's own: writing to it must not change what is read next.
        const untouched = got.slice();
        got.fill(7);
        expect(await source.read(offset, length)).toEqual(untouched);
      } else {
        const error: unknown = await read.catch((cause: unknown) => cause);
        expect(error).toBeInstanceOf(FormatError);
        expect(String(error)).toContain(
          `${name}: truncated: ${length} bytes at ${offset} lie outside its ${bytes.length}`,
        );
      }
    });
  },
);

it('reads at the same time do not disturb each other', async () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  await withSources(bytes, async (source) => {
    const starts = Array.from({ length: 50 }, (_, i) => i * 97);
    const got = await Promise.all(starts.map((start) => source.read(start, 100)));
    for (const [i, start] of starts.entries()) expect(got[i]).toEqual(bytes.slice(start, start + 100));
  });
});

describe('openFile', () => {
  it('more than 2 GiB come in pieces, as Node ends the process over a longer read', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a');
      await writeFile(path, '');
      await truncate(path, 2 ** 31 + 3);
      const handle = await open(path);
      const pieces: [at: number, length: number, from: number][] = [];
      // Nothing is really read: it would take seconds.
      const read = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'read').mockImplementation(((
        buffer: Uint8Array,
        ...piece: [number, number, number]
      ) => {
        pieces.push(piece);
        return Promise.resolve({ buffer, bytesRead: Math.min(piece[1], 2 ** 29 + 1) });
      }) as typeof handle.read);
      try {
        const source = await openFile(path);
        await source.read(1, 2 ** 31 + 2);
        await source.close();
      } finally {
        read.mockRestore();
        await handle.close();
      }
      let done = 0;
      for (const [at, length, from] of pieces) {
        expect([at, from]).toEqual([done, done + 1]);
        expect(length).toBeLessThan(2 ** 31);
        done += Math.min(length, 2 ** 29 + 1);
      }
      expect(done).toBe(2 ** 31 + 2);
    });
  });

  it('nothing there, a folder, a path through a file, a closed file: typed errors that name the path', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a');
      await writeFile(path, 'abc');
      const missing = join(folder, 'b');
      await expect(openFile(missing)).rejects.toMatchObject({
        name: 'NotFoundError',
        message: `${missing}: no such file or folder.`,
      });
      await expect(openFile(folder)).rejects.toMatchObject({
        name: 'AccessError',
        message: `${folder}: is not a regular file.`,
      });
      const through = join(path, 'c');
      await expect(openFile(through)).rejects.toMatchObject({
        name: 'AccessError',
        message: `${through}: a part of the path is a file, not a folder.`,
      });
      await expect(readTextFile(folder)).rejects.toMatchObject({
        name: 'AccessError',
        message: `${folder}: is a folder.`,
      });
      const source = await openFile(path);
      await source.close();
      await expect(source.read(0, 1)).rejects.toThrow(AccessError);
      for (const odd of ['', 'a\0b', 'x'.repeat(5000)]) await expect(openFile(odd)).rejects.toThrow(BlockprunerError);
    });
  });

  it.skipIf(process.getuid?.() === 0)('no permission (as root there is always one)', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a');
      await writeFile(path, 'abc');
      await chmod(path, 0);
      await expect(openFile(path)).rejects.toMatchObject({
        name: 'AccessError',
        message: `${path}: permission denied.`,
      });
      await expect(readTextFile(path)).rejects.toMatchObject({
        name: 'AccessError',
        message: `${path}: permission denied.`,
      });
    });
  });
});

test.prop([fc.string({ unit: 'binary' })], { numRuns: 30 })(
  'a text file is read as it is, a mark at its start aside',
  async (text) => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a');
      await writeFile(path, text);
      const marked = text.startsWith('\u{FEFF}') ? text.slice(1) : text;
      expect(await readTextFile(path)).toBe(marked);
      await appendFile(path, Uint8Array.of(0xc3));
      await expect(readTextFile(path)).rejects.toThrow(/is not UTF-8 text/);
    });
  },
);

it('a folder tells its files and not its folders, and opens them', async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, 'a'), 'abc');
    await mkdir(join(folder, 'b'));
    const opened = await openFolder(folder);
    expect([...opened.files]).toEqual(['a']);
    const source = await opened.open('a');
    expect(source.size).toBe(3);
    await source.close();
    await expect(opened.open('c')).rejects.toThrow(NotFoundError);
    await expect(openFolder(join(folder, 'a'))).rejects.toThrow(AccessError);
    await expect(openFolder(join(folder, 'c'))).rejects.toThrow(NotFoundError);
    expect([
      await kindOfPath(folder),
      await kindOfPath(join(folder, 'a')),
      await kindOfPath(join(folder, 'c')),
    ]).toEqual(['folder', 'file', null]);
  });
});
