/**
 * A model's files as a page names them: blobs, and addresses that are only asked when they are
 * opened.
 */
import { fc, test } from '@fast-check/vitest';
import { afterEach, expect, it, vi } from 'vitest';
import { NotFoundError, UsageError } from '../../src/errors.ts';
import { webFolder } from '../../src/web/webFolder.ts';

afterEach(() => vi.unstubAllGlobals());

const names = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 12 }), { minLength: 1, maxLength: 6 });

test.prop([names, fc.uint8Array({ maxLength: 20 })])(
  'has its files under their names, and no other',
  async (list, bytes) => {
    const files = list.map((name, index) => ({ name, from: new Blob([Uint8Array.of(index), bytes.slice()]) }));
    const folder = webFolder('model', files);
    expect(folder.name).toBe('model');
    expect([...folder.files]).toEqual(list);
    for (const [index, name] of list.entries()) {
      const source = await folder.open(name);
      expect([source.name, source.size]).toEqual([name, bytes.length + 1]);
      expect(await source.read(0, source.size)).toEqual(Uint8Array.of(index, ...bytes));
    }
    const other = list.join('') + '?';
    await expect(folder.open(other)).rejects.toThrow(NotFoundError);
  },
);

test.prop([names, fc.nat()])('two files of one name are refused, wherever they stand', (list, pick) => {
  const twice = [...list, list[pick % list.length]].map((name) => ({ name, from: new Blob() }));
  expect(() => webFolder('model', twice)).toThrow(new UsageError('two files have the same name.', { where: 'model' }));
});

it('the message about a missing file is one line, whatever its name', async () => {
  const open = webFolder('model', []).open('a\n\u001b[31mb');
  await expect(open).rejects.toThrow(String.raw`model: there is no file 'a\u000a\u001b[31mb'.`);
});

it('asks for an address only when its file is opened', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response('{}'));
  });
  const folder = webFolder('model', [{ name: 'config.json', from: 'https://there.example/m/config.json?key=1' }]);
  expect(asked).toEqual([]);
  const source = await folder.open('config.json');
  expect(asked).toEqual(['https://there.example/m/config.json?key=1']);
  expect(new TextDecoder().decode(await source.read(0, source.size))).toBe('{}');
  // A signed address carries its key in the query: it stays out of messages.
  expect(source.name).toBe('https://there.example/m/config.json');
});
