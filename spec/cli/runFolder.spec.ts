/** Where a search's results go by default: never to the same place for two models or texts. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultRunFolder } from '../../src/cli/runFolder.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-runs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const of = (model: string, data: string = 'x.txt'): Promise<string> => defaultRunFolder(model, undefined, [data]);

const folderOf = (...data: string[]): Promise<string> => defaultRunFolder('model', undefined, data);

describe('the default folder of a search', () => {
  const names = fc.stringMatching(/^[^/\0]{1,300}$/u);

  test.prop([names, names])('differs for two models, and for two texts', async (a, b) => {
    fc.pre(a !== b && a !== '.' && a !== '..' && b !== '.' && b !== '..');
    expect(await of(a)).not.toBe(await of(b));
    expect(await of('model', a)).not.toBe(await of('model', b));
  });

  test.prop([names, names])('is one name below runs/ that every file system takes', async (model, data) => {
    const found = await of(model, data);
    expect(dirname(found)).toBe('runs');
    expect(Buffer.byteLength(basename(found))).toBeLessThanOrEqual(255);
    expect(basename(found)).toMatch(/^[\p{L}\p{M}\p{N}_.-]*-[0-9a-f]{8}$/u);
  });

  it.each([
    ['モデル', '模型'],
    ['a/model', 'b/model'],
    ['model.gguf', 'model'],
    ['m'.repeat(200) + 'a', 'm'.repeat(200) + 'b'],
    ['Model', 'model'],
    ['owner/model', 'other/model'],
  ])('differs for %s and %s', async (a, b) => {
    expect((await of(a)).toLowerCase()).not.toBe((await of(b)).toLowerCase());
  });

  it('differs for the same files in another order, and names how many there are', async () => {
    const [ab, ba] = [await folderOf('a.csv.gz', 'b.txt'), await folderOf('b.txt', 'a.csv.gz')];
    expect(ab).toMatch(/^runs[/\\]model-a-and-1-more-[0-9a-f]{8}$/);
    expect(ba).toMatch(/^runs[/\\]model-b-and-1-more-[0-9a-f]{8}$/);
    expect(ab.slice(-8)).not.toBe(ba.slice(-8));
  });

  it('differs for two revisions of the hub', async () => {
    expect(await defaultRunFolder('a/b', 'v1', ['x.txt'])).not.toBe(await defaultRunFolder('a/b', 'v2', ['x.txt']));
  });

  it('keeps letters of every script', async () => {
    expect(await of('models/モデル', '文章.txt')).toMatch(/^runs[/\\]モデル-文章-[0-9a-f]{8}$/u);
  });

  it('is the same for one model by any spelling', async () => {
    mkdirSync(join(folder, 'model'));
    symlinkSync('model', join(folder, 'link'));
    writeFileSync(join(folder, 'x.txt'), '');
    const data = join(folder, 'x.txt');
    const digits = async (model: string): Promise<string> => (await of(model, data)).slice(-8);
    const expected = await digits(join(folder, 'model'));
    for (const other of [
      `${folder}/model/`,
      `${folder}/./model`,
      `${folder}/link`,
      relative('.', join(folder, 'model')),
    ]) {
      expect(await digits(other)).toBe(expected);
    }
  });
});
