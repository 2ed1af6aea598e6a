import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AccessError, FormatError, NotFoundError, UnsupportedModelError } from '../../src/errors.ts';
import { serializeGguf } from '../../src/formats/gguf/write.ts';
import { openModel, type OpenedModel, type OpenOptions } from '../../src/formats/openModel.ts';
import { repoOf } from '../hub/hubServer.ts';
import { filesBelow, withFolder, withHub } from '../hub/withHub.ts';
import { smallByteLevelJson } from '../tokenizer/smallTokenizers.ts';
import { tinyModel } from './gguf/fixtures.ts';
import { llama } from './huggingface/configs.ts';
import { jsonBytes, sharded, singleFile, type Files } from './huggingface/tinyModel.ts';

const gguf = serializeGguf(tinyModel('llama'));
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** Runs with the files on disk. No model of these specs is on a hub: there is none to be asked. */
async function withFiles(files: Files, run: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    for (const [name, bytes] of files) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), bytes);
    }
    await run(folder);
  });
}

/** Opens a model, reads a tensor and closes it. */
async function opened(argument: string, options: OpenOptions = { offline: true }): Promise<OpenedModel> {
  const model = await openModel(argument, options);
  const { vocabSize, hiddenSize } = model.weights.config;
  expect((await model.weights.tensor('model.embed_tokens.weight')).length).toBe(vocabSize * hiddenSize);
  await model.close();
  return model;
}

async function failure(argument: string, options: OpenOptions = { offline: true }): Promise<Error> {
  const before = await openHandles();
  const error: unknown = await openModel(argument, options).catch((cause: unknown) => cause);
  if (!(error instanceof Error)) throw new Error(`${argument} opened`);
  expect(error.message).not.toContain('\n');
  expect(await openHandles()).toBe(before);
  return error;
}

/** How many files this process has open, where the system can say. */
async function openHandles(): Promise<number> {
  return (await readdir('/proc/self/fd').catch(() => [])).length;
}

describe('a model on disk', () => {
  it.each([
    ['one safetensors file', singleFile(llama), '', /\(safetensors\)$/],
    ['shards', sharded(llama, 3), '', /\(safetensors\)$/],
    ['a folder with one .gguf', new Map([['some.GGUF', gguf]]), '', /\(GGUF\)$/],
    ['a .gguf file', new Map([['some.gguf', gguf]]), 'some.gguf', /some\.gguf \(GGUF\)$/],
    ['a GGUF file by another name', new Map([['sha256-1234', gguf]]), 'sha256-1234', /sha256-1234 \(GGUF\)$/],
    ['a folder with config.json and a .gguf', singleFile(llama).set('x.gguf', text('no')), '', /\(safetensors\)$/],
  ])('opens from %s', async (_, files, file, description) => {
    await withFiles(files, async (folder) => {
      const model = await opened(join(folder, file));
      expect(model.description).toMatch(description);
      expect(model.warnings).toEqual([]);
    });
  });

  it('comes before a model of the hub with the same name', async () => {
    await withFiles(
      new Map([...singleFile(llama)].map(([name, bytes]) => [`lab/tiny/${name}`, bytes])),
      async (folder) => {
        const here = process.cwd();
        process.chdir(folder);
        try {
          expect((await opened('lab/tiny')).description).toBe('lab/tiny (safetensors)');
          // Where `lab` is a folder, what is not in it is a wrong path; the hub is asked only when
          // told so.
          await expect(openModel('lab/other', { cacheDir: folder, endpoint: 'http://127.0.0.1:9' })).rejects.toThrow(
            'lab/other: there is no such file or folder. Give a folder',
          );
          await expect(openModel('lab/other', { offline: true, cacheDir: folder, hub: true })).rejects.toThrow(
            /not complete in the cache/,
          );
        } finally {
          process.chdir(here);
        }
      },
    );
  });

  it('warns once about all config fields nobody knows', async () => {
    await withFiles(singleFile({ ...llama, new_feature: 1, other_feature: [2] }), async (folder) => {
      const { warnings } = await opened(folder);
      expect(warnings).toEqual([
        expect.stringMatching(/config\.json: unknown fields, ignored: .*new_feature.*other_feature/),
      ]);
    });
  });

  const small = new Map([...singleFile(llama)].filter(([name]) => name !== 'tokenizer.json'));
  const hfJson = smallByteLevelJson();
  it.each<[string, Files, RegExp | null]>([
    ['missing', new Map(), /there is no tokenizer\.json\./],
    ['no JSON', new Map([['tokenizer.json', text('{')]]), /tokenizer\.json: is not valid JSON\./],
    [
      'of a kind we would get wrong',
      new Map([['tokenizer.json', jsonBytes({ model: { type: 'Unigram' } })]]),
      /tokenizer\.json/,
    ],
    [
      'beside a damaged configuration',
      new Map([
        ['tokenizer.json', jsonBytes(hfJson)],
        ['tokenizer_config.json', text('[1,')],
      ]),
      /tokenizer_config\.json: is not valid JSON/,
    ],
    ['without a configuration', new Map([['tokenizer.json', jsonBytes(hfJson)]]), null],
    ['of bytes', new Map([['tokenizer.json', jsonBytes({ type: 'blockpruner-byte' })]]), null],
  ])('opens with a tokenizer that is %s', async (_, files, note) => {
    await withFiles(new Map([...small, ...files]), async (folder) => {
      const { tokenizer, tokenizerNote } = await opened(folder);
      expect(tokenizer === null).toBe(note !== null);
      if (note === null) expect(tokenizerNote).toBeNull();
      else expect(tokenizerNote).toMatch(note);
    });
  });

  it('a GGUF without a usable tokenizer opens too', async () => {
    const model = tinyModel('llama');
    model.metadata.delete('tokenizer.ggml.tokens');
    await withFiles(new Map([['a.gguf', serializeGguf(model)]]), async (folder) => {
      expect(await opened(folder)).toMatchObject({
        tokenizer: null,
        tokenizerNote: expect.stringMatching(/a\.gguf|tokenizer/),
      });
    });
  });
});

describe('what cannot be opened is refused in one line, and no file stays open', () => {
  const shards = sharded(llama, 3);
  const shard = shards.get('model-00002-of-00003.safetensors') ?? new Uint8Array();
  const withShard = (bytes: Uint8Array): Files => new Map([...shards, ['model-00002-of-00003.safetensors', bytes]]);
  const sheet =
    /A model is given as a folder with config\.json and safetensors, as a \.gguf file, or as owner\/name\.$/;

  it.each<[string, Files, string, typeof NotFoundError, RegExp]>([
    ['a missing path', new Map(), 'nothing', NotFoundError, /no such file or folder, and it is not a model id/],
    ['a missing .gguf', new Map(), 'nothing.gguf', NotFoundError, /no such file or folder/],
    ['an empty folder', new Map(), '', NotFoundError, /has no config\.json and no \.gguf file\. Point to the folder/],
    [
      'two .gguf files',
      new Map([
        ['a.gguf', gguf],
        ['b.gguf', gguf],
      ]),
      '',
      NotFoundError,
      /2 \.gguf files\. Name one/,
    ],
    [
      'a config alone',
      new Map([['config.json', jsonBytes(llama)]]),
      '',
      NotFoundError,
      /neither model\.safetensors nor/,
    ],
    ['a text file', new Map([['a.txt', text('Once upon a time, there was a model.')]]), 'a.txt', FormatError, sheet],
    ['an empty file', new Map([['a', new Uint8Array()]]), 'a', FormatError, sheet],
    [
      'a safetensors file itself',
      singleFile(llama),
      'model.safetensors',
      UnsupportedModelError,
      /is a safetensors file\. Give the folder/,
    ],
    ['a text as .gguf', new Map([['a.gguf', text('Once upon a time, there was.')]]), 'a.gguf', FormatError, /a\.gguf/],
    ['a folder named .gguf', new Map([['a.gguf/b', gguf]]), '', NotFoundError, /no \.gguf file/],
    ['a cut .gguf', new Map([['a.gguf', gguf.subarray(0, gguf.length / 2)]]), '', FormatError, /a\.gguf/],
    [
      'a missing shard',
      new Map([...shards].filter(([name]) => !name.includes('2-of'))),
      '',
      NotFoundError,
      /shard 'model-00002-of-00003\.safetensors' is missing/,
    ],
    ['a cut shard', withShard(shard.subarray(0, -4)), '', FormatError, /model-00002-of-00003\.safetensors/],
    ['an empty shard', withShard(new Uint8Array()), '', FormatError, /model-00002-of-00003\.safetensors/],
    ['a shard of other content', withShard(text('<html>')), '', FormatError, /model-00002-of-00003\.safetensors/],
    [
      'a config that is not JSON',
      singleFile(llama).set('config.json', text('{"a"')),
      '',
      FormatError,
      /config\.json: is not valid JSON/,
    ],
    [
      'a config that is not UTF-8',
      singleFile(llama).set('config.json', Uint8Array.of(0x22, 0xff, 0x22)),
      '',
      FormatError,
      /config\.json: is not valid JSON/,
    ],
  ])('%s', async (_, files, name, type, message) => {
    await withFiles(files, async (folder) => {
      const error = await failure(join(folder, name));
      expect(error).toBeInstanceOf(type);
      expect(error.message).toMatch(message);
    });
  });

  it.skipIf(process.platform === 'win32')('a device or a pipe nobody writes to', async () => {
    await withFolder(async (folder) => {
      const pipe = join(folder, 'pipe.gguf');
      await promisify(execFile)('mkfifo', [pipe]);
      for (const path of [pipe, '/dev/zero']) {
        const error = await failure(path);
        expect(error).toBeInstanceOf(AccessError);
        expect(error.message).toBe(`${path}: is not a regular file.`);
      }
    });
  });
});

describe('a model of the hub', () => {
  const repos = {
    'lab/tiny': repoOf(singleFile(llama)),
    'lab/quants': repoOf(
      new Map([
        ['a.gguf', gguf],
        ['b.gguf', gguf],
      ]),
    ),
  };

  it('opens under its name and commit', async () => {
    await withHub(repos, async ({ options }) => {
      expect((await opened('lab/tiny', options)).description).toMatch(/^lab\/tiny@[0-9a-f]{7} \(safetensors\)$/);
      const { weights, description } = await opened('lab/quants/b.gguf', options);
      expect(description).toMatch(/^lab\/quants\/b\.gguf@[0-9a-f]{7} \(GGUF\)$/);
      expect(weights.name).toContain('lab/quants/b.gguf@');
      expect((await failure('lab/quants', options)).message).toMatch(/has 2 GGUF files/);
      expect((await failure('lab/nothing', options)).message).toMatch(/there is no such model, or it is private/);
    });
  });

  it('without an owner opens with hub, and is a path without', async () => {
    const alone = { ...repos, tiny2: repoOf(singleFile(llama)) };
    await withHub(alone, async ({ hub, cacheDir, options }) => {
      expect((await failure('tiny2', options)).message).toBe(
        'tiny2: there is no such file or folder. Give a folder with config.json and safetensors, or a .gguf file; for a model of the hub add --hub.',
      );
      expect(hub.seen).toEqual([]);
      for (const offline of [false, true]) {
        const { description } = await opened('tiny2', { ...options, offline, hub: true });
        expect(description).toMatch(/^tiny2@[0-9a-f]{7} \(safetensors\)$/);
      }
      expect(await filesBelow(cacheDir)).toContain('models--tiny2/refs/main');
      expect((await opened('lab/tiny', { ...options, hub: true })).description).toMatch(/^lab\/tiny@/);
      expect((await failure('./tiny2', { ...options, hub: true })).message).toMatch(
        /is not an id of a model on the hub/,
      );
    });
  });

  it.each(['models/x.gguf', 'a/b.safetensors', 'src/nothing', 'a/b/c', 'nothing', './a/b', '~/model'])(
    '%s is a path that is not there: the hub is not asked',
    async (argument) => {
      await withHub(repos, async ({ hub, options }) => {
        expect((await failure(argument, options)).message).toMatch(/: there is no such file or folder/);
        expect(hub.seen).toEqual([]);
      });
    },
  );

  it('opens in two processes at once, by the environment alone', async () => {
    await withHub(repos, async ({ hub, cacheDir }) => {
      const module = new URL('../../src/formats/openModel.ts', import.meta.url).href;
      const script = `const { openModel } = await import(${JSON.stringify(module)});
        const model = await openModel('lab/tiny');
        console.log(model.description, (await model.weights.tensor('model.norm.weight')).length);`;
      const env = {
        ...process.env,
        HF_ENDPOINT: hub.endpoint,
        HF_HUB_CACHE: cacheDir,
        HF_HUB_OFFLINE: '',
        HF_TOKEN: 'hf_x',
      };
      const run = (): Promise<{ stdout: string }> =>
        promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
      for (const { stdout } of await Promise.all([run(), run()])) {
        expect(stdout).toMatch(/^lab\/tiny@[0-9a-f]{7} \(safetensors\) 48\n$/);
      }
      expect(hub.seen.every(({ authorization, cdn }) => cdn || authorization === 'Bearer hf_x')).toBe(true);
      expect((await filesBelow(cacheDir)).filter((path) => /incomplete|tmp/.test(path))).toEqual([]);
    });
  });
});
