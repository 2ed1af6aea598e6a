import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { BlockprunerError } from '../../src/errors.ts';
import { prepareFolder, writeFileWhole } from '../../src/platform/nodeFolder.ts';
import { filesBelow, withFolder } from '../hub/withHub.ts';

describe('prepareFolder', () => {
  it('makes a folder with its parents, leaves nothing in it, and takes one that is there', async () => {
    await withFolder(async (folder) => {
      const deep = join(folder, 'a', 'b', 'c');
      for (let i = 0; i < 2; i++) {
        await prepareFolder(deep);
        expect(await readdir(deep)).toEqual([]);
      }
      await writeFile(join(deep, 'kept'), 'x');
      await prepareFolder(deep);
      expect(await filesBelow(folder)).toEqual(['a/b/c/kept']);
    });
  });

  it('refuses a file in the way, at its end or before', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'file');
      await writeFile(file, 'x');
      await expect(prepareFolder(file)).rejects.toMatchObject({
        name: 'AccessError',
        message: `${file}: a file is in the way.`,
      });
      const below = join(file, 'below');
      await expect(prepareFolder(below)).rejects.toMatchObject({
        name: 'AccessError',
        message: `${below}: a part of the path is a file, not a folder.`,
      });
      expect(await readFile(file, 'utf8')).toBe('x');
    });
  });

  it.skipIf(process.getuid?.() === 0)('refuses a folder without permission (as root there is always one)', async () => {
    await withFolder(async (folder) => {
      await chmod(folder, 0o500);
      await expect(prepareFolder(folder)).rejects.toMatchObject({
        name: 'AccessError',
        message: `${folder}: permission denied.`,
      });
      await chmod(folder, 0o700);
    });
  });
});

describe('writeFileWhole', () => {
  test.prop([fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 })], { numRuns: 20 })(
    'the file has the last text, whole, and nothing else is left',
    async (texts) => {
      await withFolder(async (folder) => {
        const path = join(folder, 'a.json');
        for (const text of texts) {
          await writeFileWhole(path, text);
          expect(await readFile(path, 'utf8')).toBe(text);
        }
        expect(await readdir(folder)).toEqual(['a.json']);
      });
    },
  );

  it('whoever reads meanwhile sees one text or the other, never a part', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a');
      const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(200_000));
      await writeFileWhole(path, texts[0]);
      const writing = Promise.all(texts.map((text) => writeFileWhole(path, text)));
      for (let i = 0; i < 20; i++) expect(texts).toContain(await readFile(path, 'utf8'));
      await writing;
      expect(texts).toContain(await readFile(path, 'utf8'));
      expect(await readdir(folder)).toEqual(['a']);
    });
  });

  it('what cannot be written is a typed error, and leaves nothing', async () => {
    await withFolder(async (folder) => {
      await mkdir(join(folder, 'a'));
      await writeFile(join(folder, 'file'), 'x');
      for (const path of ['a', 'file/b', 'missing/b']) {
        await expect(writeFileWhole(join(folder, path), 'text'), path).rejects.toThrow(BlockprunerError);
      }
      expect(await filesBelow(folder)).toEqual(['file']);
    });
  });
});
