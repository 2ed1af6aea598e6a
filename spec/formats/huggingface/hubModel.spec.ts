import { createHash } from 'node:crypto';
import { mkdir, readFile, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError, NotFoundError } from '../../../src/errors.ts';
import { fetchHubModel, type HubModel } from '../../../src/formats/huggingface/hubModel.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import { parseHubId } from '../../../src/platform/hub/hubId.ts';
import { hubSettings, type HubOptions } from '../../../src/platform/hub/settings.ts';
import { commitHash, etag, LFS_FROM, repoOf, type Repo, type Seen } from '../../hub/hubServer.ts';
import { expectSoundBlobs, filesBelow, withHub } from '../../hub/withHub.ts';
import { tinyModel } from '../gguf/fixtures.ts';
import { llama } from './configs.ts';
import { jsonBytes, randomWeights, sharded, singleFile, type Files } from './tinyModel.ts';

const REPO = 'lab/tiny-llama';
const single = singleFile(llama).set('README.md', jsonBytes('about')).set('onnx/model.onnx', jsonBytes('x'));
const shards = sharded(llama, 3);
const gguf = serializeGguf(tinyModel('llama'));

/** Small files that a model may be without. */
const extras = [
  'tokenizer_config.json',
  'chat_template.jinja',
  'special_tokens_map.json',
  'added_tokens.json',
  'generation_config.json',
];

const weights = (files: Files, name = 'model.safetensors'): Uint8Array => files.get(name) ?? new Uint8Array();
const first = commitHash('first');
const second = commitHash('second');

/** Two commits whose weights differ: a branch at the second, a tag at the first. */
function history(): Repo {
  const newer = singleFile(llama, randomWeights(llama, 2));
  const commits = new Map([
    [first, single],
    [second, newer],
  ]);
  const refs = [
    ['main', second],
    ['v1.0', first],
    ['refs/pr/1', first],
  ] as const;
  return { commits, refs: new Map(refs) };
}

function fetchModel(argument: string, options: HubOptions): Promise<HubModel> {
  const id = parseHubId(argument);
  if (id === null) throw new Error(`${argument} is not an id`);
  return fetchHubModel(id, hubSettings(options, {}));
}

/** Holds requests back until it is opened. */
function gate(): { opened: Promise<null>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<null>((resolve) => {
    open = () => resolve(null);
  });
  return { opened, open };
}

async function bytesIn(model: HubModel, file: string): Promise<Buffer> {
  return readFile(join(model.folder.name, file));
}

describe('a model of the hub', () => {
  it('lies in the cache as Hugging Face lays it out, and only what it needs', async () => {
    expect(weights(single).length).toBeGreaterThan(LFS_FROM);
    await withHub({ [REPO]: repoOf(single) }, async ({ cacheDir, options }) => {
      const model = await fetchModel(REPO, options);
      const blobs = ['config.json', 'model.safetensors', 'tokenizer.json'].map((name) => [
        name,
        etag(weights(single, name)),
      ]);
      expect(await filesBelow(join(cacheDir, 'models--lab--tiny-llama'))).toEqual(
        [
          ...blobs.flatMap(([name, blob]) => [`blobs/${blob}`, `.checked/${blob}`, `snapshots/${first}/${name}`]),
          'refs/main',
          ...extras.map((name) => `.no_exist/${first}/${name}`),
        ].toSorted(),
      );
      expect(await readFile(join(cacheDir, 'models--lab--tiny-llama/refs/main'), 'utf8')).toBe(first);
      for (const [name, blob] of blobs) {
        expect(await readlink(join(model.folder.name, name))).toBe(`../../blobs/${blob}`);
        expect(await bytesIn(model, name)).toEqual(Buffer.from(weights(single, name)));
      }
      expect(model).toMatchObject({ commit: first, gguf: null, warnings: [] });
    });
  });

  it('comes with every shard its index names, and the weights come last', async () => {
    await withHub({ [REPO]: repoOf(shards) }, async ({ hub, options }) => {
      const model = await fetchModel(REPO, options);
      for (const name of shards.keys()) expect(await bytesIn(model, name)).toEqual(Buffer.from(weights(shards, name)));
      expect(hub.downloads).toEqual([
        'config.json@0',
        'model.safetensors.index.json@0',
        ...[1, 2, 3].map((n) => `model-0000${n}-of-00003.safetensors@0`),
      ]);
    });
  });

  it('is one GGUF file where there is no other, and a named one where there are several', async () => {
    const one: Files = new Map([['tiny.Q8_0.gguf', gguf]]);
    const two: Files = new Map([...one, ['tiny.F16.gguf', gguf.slice(0, -1)], ...single]);
    const repos = {
      'lab/one': repoOf(one),
      'lab/two': repoOf(two),
      'lab/choice': repoOf(new Map([...two].slice(0, 2))),
    };
    await withHub(repos, async ({ hub, options }) => {
      expect(await fetchModel('lab/one', options)).toMatchObject({ gguf: 'tiny.Q8_0.gguf' });
      expect(await fetchModel('lab/two/tiny.F16.gguf', options)).toMatchObject({ gguf: 'tiny.F16.gguf' });
      expect(await fetchModel('lab/two', options)).toMatchObject({ gguf: null });
      await expect(fetchModel('lab/choice', options)).rejects.toThrow(
        "lab/choice: has 2 GGUF files: 'tiny.F16.gguf', 'tiny.Q8_0.gguf'. Name one, such as 'lab/choice/tiny.F16.gguf'.",
      );
      await expect(fetchModel('lab/two/other.gguf', options)).rejects.toThrow("there is no file 'other.gguf'.");
      const before = hub.seen.length;
      for (const again of ['lab/one', 'lab/two/tiny.F16.gguf', 'lab/two']) {
        await fetchModel(again, { ...options, offline: true });
        await fetchModel(again, options);
      }
      expect(hub.seen.length).toBe(before);
    });
  });

  it.each([
    ['no weights', new Map([['config.json', jsonBytes(llama)]]), /has neither safetensors nor GGUF files/],
    ['no config', new Map([['model.safetensors', weights(single)]]), /there is no file 'config\.json'/],
    ['a shard missing', new Map([...shards].slice(0, 2).concat([...shards].slice(3))), /no file 'model-00002-of-00003/],
    [
      'an index that leads away',
      new Map([...shards, ['model.safetensors.index.json', jsonBytes({ weight_map: { a: '../../../../x' } })]]),
      /not a plain file name/,
    ],
  ])('is refused with %s, in one line', async (_, files, message) => {
    await withHub({ [REPO]: repoOf(files) }, async ({ cacheDir, options }) => {
      const failure = await fetchModel(REPO, options).catch((error: unknown) => error);
      expect(String(failure)).toMatch(message);
      expect(String(failure)).not.toContain('\n');
      expect(await filesBelow(join(cacheDir, '../..'))).toSatisfy((all: string[]) =>
        all.every((path) => path.startsWith('outer/cache/models--lab--tiny-llama/')),
      );
      await expect(fetchModel(REPO, { ...options, offline: true })).rejects.toThrow(NotFoundError);
    });
  });
});

describe('what is in the cache', () => {
  it('answers the second time without a request, from the network or not', async () => {
    for (const files of [single, shards]) {
      await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
        await expect(fetchModel(REPO, { ...options, offline: true })).rejects.toThrow(
          /^lab\/tiny-llama in .*: is not complete in the cache at revision 'main'\. Run once without --offline/,
        );
        expect(hub.seen).toEqual([]);
        const model = await fetchModel(REPO, options);
        const before = hub.seen.length;
        for (const offline of [false, true]) {
          expect(await fetchModel(REPO, { ...options, offline })).toMatchObject({ commit: model.commit, warnings: [] });
        }
        expect(hub.seen.length).toBe(before);
      });
    }
  });

  it('stays what it was when the branch moves on; a tag, a pull request and a commit are what they name', async () => {
    const repo = history();
    await withHub({ [REPO]: repo }, async ({ hub, options }) => {
      repo.refs.set('main', first);
      expect(await fetchModel(REPO, options)).toMatchObject({ commit: first });
      repo.refs.set('main', second);
      expect(await fetchModel(REPO, options)).toMatchObject({ commit: first });
      const newer = await fetchModel(REPO, { ...options, revision: second });
      expect(newer.commit).toBe(second);
      expect(await bytesIn(newer, 'model.safetensors')).not.toEqual(Buffer.from(weights(single)));
      const downloads = hub.downloads.length;
      for (const revision of ['v1.0', 'refs/pr/1', first]) {
        const model = await fetchModel(REPO, { ...options, revision });
        expect(await bytesIn(model, 'model.safetensors')).toEqual(Buffer.from(weights(single)));
        expect(await fetchModel(REPO, { ...options, revision, offline: true })).toMatchObject({ commit: first });
      }
      // A blob is had once for all commits and names.
      expect(hub.downloads.length).toBe(downloads);
      await expect(fetchModel(REPO, { ...options, revision: 'v2' })).rejects.toThrow(/there is no revision 'v2'/);
    });
  });

  it('is fetched again where a blob is cut, missing, or a link leads nowhere', async () => {
    await withHub({ [REPO]: repoOf(single) }, async ({ cacheDir, options }) => {
      const blobs = join(cacheDir, 'models--lab--tiny-llama/blobs');
      const blob = join(blobs, etag(weights(single)));
      const model = await fetchModel(REPO, options);
      const damages = [
        () => rm(blob),
        () => rm(join(model.folder.name, 'model.safetensors')),
        async () => {
          await rm(join(model.folder.name, 'config.json'));
          await symlink('../nowhere', join(model.folder.name, 'config.json'));
          await truncate(blob, 10);
        },
      ];
      for (const damage of damages) {
        await damage();
        await expect(fetchModel(REPO, { ...options, offline: true })).rejects.toThrow(NotFoundError);
        expect(await bytesIn(await fetchModel(REPO, options), 'model.safetensors')).toEqual(
          Buffer.from(weights(single)),
        );
        await expectSoundBlobs(cacheDir, REPO);
      }
    });
  });

  it('of an older version may lack generation_config.json: it is fetched once, of the commit that is there', async () => {
    const generation = ['generation_config.json', jsonBytes({ eos_token_id: [0, 3] })] as const;
    const { commits, refs } = history();
    const repo: Repo = { commits: new Map([...commits, [first, new Map([...single, generation])]]), refs };
    repo.refs.set('main', first);
    await withHub({ [REPO]: repo }, async ({ hub, cacheDir, options }) => {
      const folder = join(cacheDir, 'models--lab--tiny-llama');
      const fetched = await fetchModel(REPO, options);
      expect(await bytesIn(fetched, generation[0])).toEqual(Buffer.from(generation[1]));
      await rm(join(fetched.folder.name, generation[0]));
      await rm(join(folder, '.no_exist'), { recursive: true });
      repo.refs.set('main', second);

      // Offline, the cache is all there is.
      expect((await fetchModel(REPO, { ...options, offline: true })).folder.files.has(generation[0])).toBe(false);
      hub.fault = () => ({ status: 500 });
      const without = await fetchModel(REPO, options);
      expect(without.warnings).toEqual([
        expect.stringMatching(/Going on without .*generation_config\.json, which the/),
      ]);
      hub.fault = () => null;

      const again = await fetchModel(REPO, options);
      expect(again).toMatchObject({ commit: first, warnings: [] });
      expect(await bytesIn(again, generation[0])).toEqual(Buffer.from(generation[1]));
      const before = hub.seen.length;
      expect(await fetchModel(REPO, options)).toMatchObject({ commit: first });
      expect(hub.seen.length).toBe(before);
    });
  });

  it('of another program may lack the tokenizer: the hub is asked, and if it is out of reach, a warning given', async () => {
    await withHub({ [REPO]: repoOf(single) }, async ({ hub, cacheDir, options }) => {
      const folder = join(cacheDir, 'models--lab--tiny-llama');
      await mkdir(join(folder, 'refs'), { recursive: true });
      await mkdir(join(folder, 'snapshots', first), { recursive: true });
      await writeFile(join(folder, 'refs/main'), `${first}\n`);
      for (const name of ['config.json', 'model.safetensors']) {
        await writeFile(join(folder, 'snapshots', first, name), weights(single, name));
      }
      expect(await fetchModel(REPO, { ...options, offline: true })).toMatchObject({ warnings: [] });
      hub.fault = () => ({ status: 503 });
      const { warnings } = await fetchModel(REPO, options);
      expect(warnings).toEqual([expect.stringMatching(/status 503.* Using the files in the cache\.$/)]);
      hub.fault = () => null;
      const model = await fetchModel(REPO, options);
      expect(model.folder.files).toContain('tokenizer.json');
    });
  });
});

describe('a cached model with a flipped bit', () => {
  it.each([
    ['weights', single, 'model.safetensors'],
    ['a shard', shards, 'model-00002-of-00003.safetensors'],
    ['its config', single, 'config.json'],
  ])('in %s: offline it is refused for what it is, online fetched again and said', async (_, files, name) => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, cacheDir, options }) => {
      await fetchModel(REPO, options);
      const bytes = weights(files, name);
      const blob = join(cacheDir, 'models--lab--tiny-llama/blobs', etag(bytes));
      await writeFile(blob, bytes.with(bytes.length - 9, bytes[bytes.length - 9] ^ 1));
      await expect(fetchModel(REPO, { ...options, offline: true })).rejects.toThrow(
        `the bytes of '${name}' are not those of its hash. Run once without --offline`,
      );
      const before = hub.downloads.length;
      const model = await fetchModel(REPO, options);
      expect(model.warnings).toEqual([expect.stringContaining(`'${name}' was damaged and was downloaded again.`)]);
      expect(await bytesIn(model, name)).toEqual(Buffer.from(bytes));
      expect(hub.downloads.slice(before)).toEqual([`${name}@0`]);
      expect((await fetchModel(REPO, { ...options, offline: true })).warnings).toEqual([]);
    });
  });

  it('is found where another program filled the cache, and where nothing can be noted', async () => {
    await withHub({ [REPO]: repoOf(single) }, async ({ cacheDir, options }) => {
      await fetchModel(REPO, options);
      const folder = join(cacheDir, 'models--lab--tiny-llama');
      await rm(join(folder, '.checked'), { recursive: true });
      await writeFile(join(folder, '.checked'), 'a file in the way');
      await fetchModel(REPO, { ...options, offline: true });
      const bytes = weights(single);
      await writeFile(join(folder, 'blobs', etag(bytes)), bytes.with(99, bytes[99] ^ 1));
      await expect(fetchModel(REPO, { ...options, offline: true })).rejects.toThrow(/are not those of its hash/);
    });
  });
});

describe('two at once', () => {
  it('do not harm each other, with or without a leftover', async () => {
    for (const leftover of [0, 30_000]) {
      await withHub({ [REPO]: repoOf(single) }, async ({ cacheDir, options }) => {
        const blobs = join(cacheDir, 'models--lab--tiny-llama/blobs');
        await mkdir(blobs, { recursive: true });
        const incomplete = join(blobs, `${etag(weights(single))}.incomplete`);
        await writeFile(incomplete, weights(single).subarray(0, leftover));
        const models = await Promise.all(Array.from({ length: 4 }, () => fetchModel(REPO, options)));
        for (const model of models) {
          expect(await bytesIn(model, 'model.safetensors')).toEqual(Buffer.from(weights(single)));
        }
        await expectSoundBlobs(cacheDir, REPO);
        expect((await filesBelow(cacheDir)).filter((path) => /incomplete|tmp/.test(path))).toEqual([]);
      });
    }
  });

  const blobs = (cacheDir: string): string => join(cacheDir, 'models--lab--tiny-llama/blobs');
  const incomplete = `${etag(weights(single))}.incomplete`;
  const isForWeights = ({ kind, file }: Seen): boolean => kind === 'bytes' && file === 'model.safetensors';

  it('a file found wrong by one is not taken from under the other', async () => {
    await withHub({ [REPO]: repoOf(single) }, async ({ hub, cacheDir, options }) => {
      await mkdir(blobs(cacheDir), { recursive: true });
      // What a power failure leaves: a length, but zeros.
      await writeFile(join(blobs(cacheDir), incomplete), new Uint8Array(50_000));
      const [asking, answering] = [gate(), gate()];
      let requests = 0;
      hub.fault = (request) => {
        if (!isForWeights(request)) return null;
        requests++;
        asking.open();
        return answering.opened;
      };
      const one = fetchModel(REPO, options);
      await asking.opened;
      const other = fetchModel(REPO, options);
      // Time for the other to ask for the weights, too, if it did not wait for the one.
      await new Promise((resolve) => void setTimeout(resolve, 300));
      expect(requests).toBe(1);
      answering.open();
      await Promise.all([one, other]);
      // The rest of the wrong file, and then the whole one, by the one alone.
      expect(requests).toBe(2);
      await expectSoundBlobs(cacheDir, REPO);
    });
  });

  it("another's half file is not given the name of the whole one", async () => {
    await withHub({ [REPO]: repoOf(single) }, async ({ hub, cacheDir, options }) => {
      const [asking, ending] = [gate(), gate()];
      hub.fault = (request) => {
        if (!isForWeights(request)) return null;
        asking.open();
        return ending.opened;
      };
      const fetched = fetchModel(REPO, options);
      await asking.opened;
      await rm(join(blobs(cacheDir), incomplete));
      await writeFile(join(blobs(cacheDir), incomplete), weights(single).subarray(0, 1000));
      ending.open();
      expect(await bytesIn(await fetched, 'model.safetensors')).toEqual(Buffer.from(weights(single)));
      expect(hub.downloads.at(-1)).toBe('model.safetensors@1000');
      await expectSoundBlobs(cacheDir, REPO);
    });
  });
});

it('a listing full of hostile names writes nothing outside the cache', async () => {
  const names = [
    '../x',
    '/etc/x',
    '..\\..\\x',
    'C:\\x',
    '.gguf',
    '..',
    '../../../../x.gguf',
    'a/../../x.gguf',
    '\u001B[2Jx.gguf',
    '',
  ];
  const entries = names.map((path) => ({ type: 'file', path, size: 3, oid: etag(new Uint8Array(3)) }));
  await withHub({ [REPO]: repoOf(single) }, async ({ hub, cacheDir, options }) => {
    hub.fault = ({ kind }) => (kind === 'tree' ? { body: JSON.stringify(entries) } : null);
    await expect(fetchModel(REPO, options)).rejects.toThrow(/has neither safetensors nor GGUF files/);
    const wellNamed = { type: 'file', path: 'x.gguf', size: 3 };
    for (const oid of [
      `../../../../../${createHash('sha1').digest('hex')}`,
      'x',
      '',
      7,
      [etag(new Uint8Array(3))],
      null,
    ]) {
      hub.fault = ({ kind }) => (kind === 'tree' ? { body: JSON.stringify([{ ...wellNamed, oid }]) } : null);
      await expect(fetchModel(REPO, options), String(oid)).rejects.toThrow(FormatError);
    }
    for (const sha of ['../../../x', 'main', '', 7, null]) {
      hub.fault = ({ kind }) => (kind === 'info' ? { body: JSON.stringify({ sha }) } : null);
      await expect(fetchModel(REPO, options), String(sha)).rejects.toThrow(FormatError);
    }
    expect(await filesBelow(join(cacheDir, '../..'))).toEqual([]);
  });
});
