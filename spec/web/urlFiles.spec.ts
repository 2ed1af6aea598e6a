import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { AccessError, NotFoundError } from '../../src/errors.ts';
import { urlFiles } from '../../src/web/urlFiles.ts';

/** A server that has these files under /m/, and what it was asked for. */
function server(files: Readonly<Record<string, string>>, page = false): { fetched: typeof fetch; asked: string[] } {
  const asked: string[] = [];
  const fetched = ((url: string, { method }: RequestInit) => {
    asked.push(`${method} ${url}`);
    const name = /^\/m\/([^?#]*)/.exec(url)?.[1] ?? '';
    if (Object.hasOwn(files, name)) return Promise.resolve(new Response(files[name]));
    const headers = { 'content-type': 'text/html; charset=utf-8' };
    return Promise.resolve(page ? new Response('<html>', { headers }) : new Response(null, { status: 404 }));
  }) as typeof fetch;
  return { fetched, asked };
}

const companions = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json', 'added_tokens.json'];

describe('the files behind an address', () => {
  test.prop([fc.subarray(companions), fc.boolean(), fc.constantFrom('/m', '/m/'), fc.constantFrom('', '?v=1')])(
    'are those that are there, whatever the server says of the others',
    async (there, page, folder, query) => {
      const names = ['config.json', ...there, 'model.safetensors'];
      const { fetched } = server(Object.fromEntries(names.map((name) => [name, '{}'])), page);
      const files = await urlFiles(folder + query, fetched);
      expect(files.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
      for (const { name, from } of files) expect(from).toBe(`/m/${name}${query}`);
    },
  );

  it('are the shards that an index names, each once', async () => {
    const map = { a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-1.safetensors', d: 3 };
    const index = JSON.stringify({ weight_map: map });
    const { fetched } = server({ 'config.json': '{}', 'model.safetensors.index.json': index });
    expect((await urlFiles('/m', fetched)).map(({ name }) => name)).toEqual([
      'config.json',
      'model.safetensors.index.json',
      'model-1.safetensors',
      'model-2.safetensors',
    ]);
  });

  it.each(['{', '[]', 'null', '{}'])('an index %s leaves the shards out: opening says what is wrong', async (index) => {
    const { fetched } = server({ 'config.json': '{}', 'model.safetensors.index.json': index });
    const names = (await urlFiles('/m', fetched)).map(({ name }) => name);
    expect(names).toEqual(['config.json', 'model.safetensors.index.json']);
  });

  it('a .gguf file is taken by its name, without a question', async () => {
    const { fetched, asked } = server({});
    expect(await urlFiles('/m/tiny.GGUF?key=1', fetched)).toEqual([{ name: 'tiny.GGUF', from: '/m/tiny.GGUF?key=1' }]);
    expect(asked).toEqual([]);
  });

  it('says what is missing, and what cannot be asked', async () => {
    await expect(urlFiles('/m', server({}).fetched)).rejects.toThrow(NotFoundError);
    await expect(urlFiles('/m?key=secret', server({}, true).fetched)).rejects.toThrow(/^\/m: there is no config\.json/);
    const down = (() => Promise.reject(new TypeError('Failed to fetch'))) as typeof fetch;
    await expect(urlFiles('/m?key=secret', down)).rejects.toThrow(AccessError);
    await expect(urlFiles('/m?key=secret', down)).rejects.not.toThrow(/secret/);
  });
});
