/** A file that is written to, replaced or removed while it is read. */
import { appendFile, copyFile, link, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FileChangedError } from '../../src/errors.ts';
import { openFile } from '../../src/platform/nodeFile.ts';
import { withFolder } from '../hub/withHub.ts';

const before = Uint8Array.from({ length: 4000 }, (_, i) => i);
const after = before.toReversed();

/**
 * What happens to the file at `path`. `other` is another file of the same size, as old as the first
 * one.
 */
const changes: readonly (readonly [string, (path: string, other: string) => Promise<void>])[] = [
  ['another one copied over it', (path, other) => copyFile(other, path)],
  [
    'another one copied over it, its times with it (cp -p)',
    async (path, other) => {
      await copyFile(other, path);
      await utimes(path, 1, 1);
    },
  ],
  ['another one moved over it', (path, other) => rename(other, path)],
  ['written to in place', (path) => writeFile(path, after, { flag: 'r+' })],
  ['one byte appended', (path) => appendFile(path, 'x')],
  ['cut', (path) => truncate(path, 10)],
  [
    'cut and filled up again',
    async (path) => {
      await truncate(path, 0);
      await writeFile(path, before);
    },
  ],
  ['removed', (path) => rm(path)],
];

describe('a file that is changed after it was opened', () => {
  it.each(changes)('%s: the next read says so, and so does the look before the result', async (_, change) => {
    await withFolder(async (folder) => {
      const [path, other] = [join(folder, 'a'), join(folder, 'b')];
      for (const [name, bytes] of [
        [path, before],
        [other, after],
      ] as const) {
        await writeFile(name, bytes);
        await utimes(name, 1, 1);
      }
      const source = await openFile(path);
      try {
        expect(await source.read(100, 50)).toEqual(before.slice(100, 150));
        await source.assertUnchanged();
        await change(path, other);
        await expect(source.read(100, 50)).rejects.toThrow(FileChangedError);
        await expect(source.assertUnchanged()).rejects.toThrow(`${path}: the file was changed or replaced while`);
      } finally {
        await source.close();
      }
    });
  });

  it('a link that leads elsewhere: reads stay those of the file that was opened, the last look says so', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'link');
      await writeFile(join(folder, 'a'), before);
      await writeFile(join(folder, 'b'), after);
      await symlink('a', path);
      const source = await openFile(path);
      await symlink('b', join(folder, 'new'));
      await rename(join(folder, 'new'), path);
      expect(await source.read(0, 9)).toEqual(before.slice(0, 9));
      await expect(source.assertUnchanged()).rejects.toThrow(FileChangedError);
      await source.close();
    });
  });

  it('what others do with other files does not matter', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a');
      await writeFile(path, before);
      await link(path, join(folder, 'hard'));
      const source = await openFile(path);
      await writeFile(join(folder, 'b'), after);
      expect(await source.read(0, 9)).toEqual(before.slice(0, 9));
      await source.assertUnchanged();
      await source.close();
    });
  });

  // The clock of a file system goes in steps: a file that was only just written is looked at again
  // a step later.
  test.prop([fc.integer({ min: 0, max: 3 })], { numRuns: 6 })(
    'is noticed however soon after it was written and opened',
    async (wait) => {
      await withFolder(async (folder) => {
        const path = join(folder, 'a');
        await writeFile(path, before);
        const source = await openFile(path);
        await pause(wait);
        await writeFile(path, after, { flag: 'r+' });
        await expect(source.read(0, 9)).rejects.toThrow(FileChangedError);
        await source.close();
      });
    },
  );
});
