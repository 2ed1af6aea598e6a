import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccessError, FormatError, NotFoundError, UsageError } from '../../../src/errors.ts';
import type { ByteSource } from '../../../src/platform/byteSource.ts';
import { HubCache } from '../../../src/platform/hub/cache.ts';
import { HubClient } from '../../../src/platform/hub/client.ts';
import { downloadToCache } from '../../../src/platform/hub/download.ts';
import { InterruptedError } from '../../../src/platform/hub/hubErrors.ts';
import { hubSettings, type DownloadProgress, type HubOptions } from '../../../src/platform/hub/settings.ts';
import { openFile } from '../../../src/platform/nodeFile.ts';
import { commitHash, etag, repoOf, startHub, type Fault } from '../../hub/hubServer.ts';
import { expectSoundBlobs, withHub } from '../../hub/withHub.ts';

const REPO = 'lab/api';
const COMMIT = commitHash('first');
const large = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3);
const small = large.subarray(0, 5000);
const files = new Map([
  ['large.bin', large],
  ['small.json', small],
  ['sub/folder.bin', small],
  ['empty', new Uint8Array()],
  ['another', small],
]);

/** The client's pauses pass at once, and its minute of silence is as long as a spec says. */
let silence = 60_000;
const realTimeout = setTimeout;
beforeEach(() => {
  silence = 60_000;
  vi.stubGlobal('setTimeout', (run: () => void, ms: number, ...rest: []) => {
    const shorter = ms === 60_000 ? silence : [200, 400, 800].includes(ms) ? 1 : ms;
    return realTimeout(run, shorter, ...rest);
  });
});
afterAll(() => void vi.unstubAllGlobals());

/**
 * Downloads one file and gives its bytes as they lie in the cache. The minute of silence is
 * `minute` ms once it is listed.
 */
async function fetchFile(name: string, options: HubOptions, minute = 60_000): Promise<Uint8Array> {
  const settings = hubSettings(options, {});
  const client = new HubClient(REPO, settings);
  const file = (await client.files(COMMIT)).find((entry) => entry.name === name);
  if (file === undefined) throw new Error(`no ${name}`);
  const cache = new HubCache(settings.cacheDir, REPO);
  silence = minute;
  await downloadToCache(client, cache, COMMIT, file, settings.onProgress);
  return new Uint8Array(await readFile(join(cache.snapshotPath(COMMIT), name)));
}

const blobsIn = (cacheDir: string): Promise<string[]> => readdir(join(cacheDir, 'models--lab--api/blobs'));

it('the files of the top folder come from all pages of the listing, with size and hash', async () => {
  await withHub({ [REPO]: repoOf(files) }, async ({ options }) => {
    const client = new HubClient(REPO, hubSettings(options, {}));
    expect(await client.commit()).toBe(COMMIT);
    const expected = [...files].filter(([name]) => !name.includes('/'));
    expect(await client.files(COMMIT)).toEqual(
      expected.map(([name, bytes]) => ({
        name,
        size: bytes.length,
        etag: etag(bytes),
        hash: { kind: name === 'large.bin' ? 'sha256' : 'git', hex: etag(bytes) },
      })),
    );
    for (const [name, bytes] of expected) expect(await fetchFile(name, options), name).toEqual(bytes);
  });
});

describe('the token', () => {
  const token = 'hf_abc.DEF-123';

  it('goes to the hub with every request, and to nobody else', async () => {
    const other = await startHub({ [REPO]: repoOf(files) });
    await withHub({ [REPO]: { ...repoOf(files), privateTo: token } }, async ({ hub, options }) => {
      await expect(fetchFile('large.bin', options)).rejects.toThrow(/for a private model set HF_TOKEN/);
      expect(hub.seen.splice(0).map(({ authorization }) => authorization)).toEqual([undefined]);
      for (const name of ['large.bin', 'small.json']) await fetchFile(name, { ...options, token });
      expect(hub.seen.filter(({ cdn }) => cdn).length).toBe(1);
      for (const { cdn, authorization } of hub.seen) expect(authorization).toBe(cdn ? undefined : `Bearer ${token}`);
      // A listing that goes on elsewhere.
      const page = `${other.endpoint}/api/models/${REPO}/tree/main`;
      hub.fault = ({ kind }) => (kind === 'tree' ? { body: '[]', headers: { Link: `<${page}>; rel="next"` } } : null);
      await fetchFile('small.json', { ...options, token });
      expect(other.seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    });
    await other.close();
  });

  it.each(['abc', 'hf_', 'hf_a b', 'hf_a\nb', 'hf_ä'])(
    '%j is refused without a request and without a word of it',
    async (bad) => {
      await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
        const failure = await fetchFile('small.json', { ...options, token: bad }).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(UsageError);
        expect(String(failure)).toBe(
          'UsageError: HF_TOKEN: is not a token of the hub: hf_ and letters, without spaces.',
        );
        expect(hub.seen).toEqual([]);
      });
    },
  );
});

/** Where each request for a file's bytes began. */
function startsOf(downloads: readonly string[]): number[] {
  return downloads.map((download) => Number(download.slice(download.lastIndexOf('@') + 1)));
}

describe('a download that breaks off', () => {
  test.prop([fc.constantFrom('large.bin', 'small.json'), fc.integer({ min: 1, max: 99 })], { numRuns: 5 })(
    'goes on where it was, and ends with the right bytes',
    async (name, percent) => {
      const bytes = files.get(name) ?? new Uint8Array();
      const cutAfter = Math.floor((percent / 100) * bytes.length);
      await withHub({ [REPO]: repoOf(files) }, async ({ hub, cacheDir, options }) => {
        const progress: DownloadProgress[] = [];
        // The first one alone: where nothing of it was read, the second begins at 0 as well.
        let cuts = 0;
        hub.fault = ({ kind }) => (kind === 'bytes' && cuts++ === 0 ? { cutAfter } : null);
        const onProgress = (now: DownloadProgress): void => void progress.push(now);
        expect(await fetchFile(name, { ...options, onProgress })).toEqual(bytes);
        // Bytes that had come but were not yet read when the connection broke are lost with it.
        const [first, second, ...more] = startsOf(hub.downloads);
        expect([first, more]).toEqual([0, []]);
        expect(second).toBeLessThanOrEqual(cutAfter);
        expect(progress.at(-1)).toEqual({ file: name, received: bytes.length, total: bytes.length });
        expect(progress.map(({ received }) => received)).toEqual(
          progress.map((p) => p.received).toSorted((a, b) => a - b),
        );
        expect(await blobsIn(cacheDir)).toEqual([etag(bytes)]);
      });
    },
  );

  it('is given up after four attempts, and what came stays for the next run', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, cacheDir, options }) => {
      hub.fault = ({ kind }) => (kind === 'bytes' ? { cutAfter: 10_000 } : null);
      await expect(fetchFile('large.bin', options)).rejects.toThrow(InterruptedError);
      const starts = startsOf(hub.downloads);
      expect(starts).toHaveLength(4);
      for (const [attempt, start] of starts.entries()) {
        expect(start).toBeGreaterThanOrEqual(starts[attempt - 1] ?? 0);
        expect(start).toBeLessThanOrEqual(10_000 * attempt);
      }
      const leftover = `${etag(large)}.incomplete`;
      expect(await blobsIn(cacheDir)).toEqual([leftover]);
      const { size } = await stat(join(cacheDir, 'models--lab--api/blobs', leftover));
      hub.fault = () => null;
      expect(await fetchFile('large.bin', options)).toEqual(large);
      expect(startsOf(hub.downloads).at(-1)).toBe(size);
    });
  });

  it('ends also with a server that knows no ranges', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      hub.fault = ({ kind, from }) => (kind === 'bytes' ? (from === null ? { cutAfter: 123_457 } : 'no ranges') : null);
      expect(await fetchFile('large.bin', options)).toEqual(large);
    });
  });

  it.each(['no answer', 'silence'] as const)('counts as broken after a minute of %s, and is closed', async (fault) => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      let times = 0;
      hub.fault = ({ kind }) => (kind === 'bytes' && times++ === 0 ? fault : null);
      expect(await fetchFile('large.bin', options, 1000)).toEqual(large);
      await hub.seen.find(({ kind }) => kind === 'bytes')?.abandoned;
    });
  });
});

describe('an answer that drips', () => {
  it('counts as broken when too little has come, and the rest is fetched', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      let times = 0;
      hub.fault = ({ kind }) => (kind === 'bytes' && times++ === 0 ? { dripEvery: 20 } : null);
      const bytes = await fetchFile('small.json', options, 1000);
      // What dripped is not the file's: its hash tells, and it is fetched anew.
      expect(bytes).toEqual(small);
      await hub.seen.find(({ kind }) => kind === 'bytes')?.abandoned;
    });
  });

  it.each(['info', 'tree'] as const)('is given up too where it is of the API: %s', async (dripping) => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      hub.fault = ({ kind }) => (kind === dripping ? { dripEvery: 20 } : null);
      silence = 300;
      const client = new HubClient(REPO, hubSettings(options, {}));
      const failure = dripping === 'info' ? client.commit() : client.files(COMMIT);
      await expect(failure).rejects.toThrow(/the connection failed \(too little came within 60 s\)/);
    });
  });

  it.each(['info', 'tree', 'resolve'] as const)('as one that never begins: %s', async (silent) => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      let times = 0;
      hub.fault = ({ kind }) => (kind === silent && times++ === 0 ? 'no answer' : null);
      const client = new HubClient(REPO, hubSettings(options, {}));
      if (silent === 'resolve') {
        expect(await fetchFile('small.json', options, 300)).toEqual(small);
      } else {
        silence = 300;
        const failure = silent === 'info' ? client.commit() : client.files(COMMIT);
        await expect(failure).rejects.toThrow(InterruptedError);
      }
    });
  });
});

describe('a cached blob', () => {
  const blob = (cacheDir: string, bytes: Uint8Array): string => join(cacheDir, 'models--lab--api/blobs', etag(bytes));

  it.each(['large.bin', 'small.json'])('%s of the right size and other bytes is fetched again', async (name) => {
    const bytes = files.get(name) ?? new Uint8Array();
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, cacheDir, options }) => {
      await fetchFile(name, options);
      await fetchFile(name, options);
      expect(hub.downloads).toHaveLength(1);
      await writeFile(blob(cacheDir, bytes), bytes.with(7, bytes[7] ^ 1));
      expect(await fetchFile(name, options)).toEqual(bytes);
      expect(hub.downloads).toHaveLength(2);
    });
  });

  it('of a hash nobody here can compute gets a name that promises none', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      const entry = { type: 'file', path: 'a', size: 3, oid: etag(small), xetHash: 'a'.repeat(64) };
      hub.fault = ({ kind }) => (kind === 'tree' ? { body: JSON.stringify([entry]) } : null);
      const [file] = await new HubClient(REPO, hubSettings(options, {})).files(COMMIT);
      expect(file).toEqual({ name: 'a', size: 3, etag: `xet-${'a'.repeat(64)}`, hash: null });
    });
  });
});

/** Something that is waited for, and the call that says it is there. */
function signal(): { given: Promise<void>; give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give: () => give() };
}

describe('two downloads of the same file at once', () => {
  const blobPath = (cacheDir: string, bytes: Uint8Array): string => {
    return join(cacheDir, 'models--lab--api/blobs', etag(bytes));
  };

  it.each(['large.bin', 'small.json'])(
    '%s: what the first has opened is not written to, nor replaced, by the second',
    async (name) => {
      const bytes = files.get(name) ?? new Uint8Array();
      await withHub({ [REPO]: repoOf(files) }, async ({ hub, cacheDir, options }) => {
        const [second, opened] = [signal(), signal()];
        // The first download is held until the second is on its way, and that one until the first
        // has opened its file.
        let requests = 0;
        hub.fault = async ({ kind }) => {
          if (kind !== 'bytes') return;
          if (++requests > 1) second.give();
          await (requests > 1 ? opened.given : second.given);
        };
        const first = fetchFile(name, options);
        await vi.waitUntil(() => requests === 1, { timeout: 60_000 });
        const waited: DownloadProgress[] = [];
        const other = fetchFile(name, {
          ...options,
          onProgress: (progress) => {
            waited.push(progress);
            second.give();
          },
        });
        expect(await first).toEqual(bytes);
        const source = await openFile(blobPath(cacheDir, bytes));
        expect(await source.read(0, 50)).toEqual(bytes.slice(0, 50));
        opened.give();
        expect(await other).toEqual(bytes);
        expect(await source.read(50, 50)).toEqual(bytes.slice(50, 100));
        await source.assertUnchanged();
        await source.close();
        expect(hub.downloads).toEqual([`${name}@0`]);
        expect(waited[0]).toEqual({ file: name, received: 0, total: bytes.length });
        expect(await blobsIn(cacheDir)).toEqual([etag(bytes)]);
        expect(await readdir(join(cacheDir, 'models--lab--api/.downloading'))).toEqual([]);
      });
    },
  );

  it('a good blob that another program has put there meanwhile stays', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, cacheDir, options }) => {
      const path = blobPath(cacheDir, large);
      const opened: ByteSource[] = [];
      hub.fault = async ({ kind }) => {
        if (kind !== 'bytes') return;
        await writeFile(path, large);
        opened.push(await openFile(path));
      };
      expect(await fetchFile('large.bin', options)).toEqual(large);
      for (const source of opened) {
        await source.assertUnchanged();
        await source.close();
      }
      expect(opened).toHaveLength(1);
      expect(await blobsIn(cacheDir)).toEqual([etag(large)]);
    });
  });

  it('the lock of a killed process is taken over', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ cacheDir, options }) => {
      const locks = join(cacheDir, 'models--lab--api/.downloading');
      await mkdir(locks, { recursive: true });
      await writeFile(join(locks, etag(large)), `99999999 ${hostname()}`);
      expect(await fetchFile('large.bin', options)).toEqual(large);
      expect(await readdir(locks)).toEqual([]);
    });
  });

  it('one that nobody here can judge is waited for as long as its file grows, then named', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, cacheDir, options }) => {
      const locks = join(cacheDir, 'models--lab--api/.downloading');
      await mkdir(locks, { recursive: true });
      await writeFile(join(locks, etag(large)), '7 elsewhere');
      let now = 0;
      const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 100_000));
      try {
        const failure = await fetchFile('large.bin', options).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(AccessError);
        expect(String(failure)).toMatch(
          /\.downloading.*: process 7 on elsewhere downloads this file, and nothing has come for 5 minutes\. If no such process is running, remove this lock\.$/,
        );
        expect(hub.downloads).toEqual([]);
      } finally {
        clock.mockRestore();
      }
    });
  });
});

describe.concurrent('wrong bytes', () => {
  const wrong = large.toReversed();

  it.each([
    ['of the right length', wrong, /large\.bin: the bytes that came have another hash\. Try again/],
    ['too many', new Uint8Array(300_001), /large\.bin: more than its 300000 bytes came\. Try again/],
    ['a page of a portal', '<html>Log in</html>', /large\.bin: the bytes that came have another hash\./],
  ])('%s, are refused, and nothing stays of them', async (_, body, message) => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, cacheDir, options }) => {
      // A portal's page is shorter than the file; what follows makes it up to its length.
      hub.fault = ({ kind, from }) =>
        kind === 'bytes' ? (from === null ? { body } : { body: wrong.subarray(from) }) : null;
      const failure = await fetchFile('large.bin', options).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(FormatError);
      expect(String(failure)).toMatch(message);
      expect(await blobsIn(cacheDir)).toEqual([]);
      hub.fault = () => null;
      expect(await fetchFile('large.bin', options)).toEqual(large);
      await expectSoundBlobs(cacheDir, REPO);
    });
  });
});

describe('what the hub refuses becomes one line', () => {
  const cases: readonly [string, Fault, typeof AccessError, RegExp][] = [
    [
      '401',
      { status: 401, code: 'RepoNotFound' },
      AccessError,
      /no such model, or it is private \(401\)\. Check the name; for/,
    ],
    ['403', { status: 403 }, AccessError, /no such model, or it is private \(403\)/],
    ['a gate', { status: 403, code: 'GatedRepo' }, AccessError, /the model is gated\. Accept its terms on its page/],
    [
      '404',
      { status: 404, code: 'RepoNotFound' },
      NotFoundError,
      /no such model or file \(404\)\. Check the name; a local/,
    ],
    [
      'no revision',
      { status: 404, code: 'RevisionNotFound' },
      NotFoundError,
      /there is no revision 'main'\. Give a branch/,
    ],
    ['429', { status: 429 }, AccessError, /asks to slow down \(429\)/],
    ['500', { status: 500 }, InterruptedError, /answered with status 500\. Try again later\./],
    ['503', { status: 503, code: 'anything' }, InterruptedError, /status 503/],
    ['no connection', { cutAfter: 0 }, InterruptedError, /connection failed \(\w+/],
    ['another page', { body: '<html>hello</html>' }, FormatError, /the answer is not the hub's\. Check HF_ENDPOINT\./],
    [
      'a redirect in a circle',
      { status: 302, headers: { Location: '/api/models/lab/api/tree/main' } },
      InterruptedError,
      /failed/,
    ],
  ];

  it.each(cases)('%s', async (_, fault, type, message) => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      hub.fault = ({ kind }) => (kind === 'info' || kind === 'tree' ? fault : null);
      const client = new HubClient(REPO, hubSettings(options, {}));
      for (const request of [() => client.commit(), () => client.files(COMMIT)]) {
        const failure: unknown = await request().then(
          () => null,
          (error: unknown) => error,
        );
        expect(failure).toBeInstanceOf(type);
        expect(String(failure)).toMatch(message);
        expect(String(failure)).toMatch(/^\w+: lab\/api on 127\.0\.0\.1:\d+: .*\.$/);
      }
    });
  });

  it('also for a file, which is not asked for again where that is of no use', async () => {
    await withHub({ [REPO]: { ...repoOf(files), gatedFor: 'hf_accepted' } }, async ({ hub, options }) => {
      await expect(fetchFile('large.bin', options)).rejects.toThrow(/the model is gated/);
      await expect(fetchFile('large.bin', { ...options, token: 'hf_other' })).rejects.toThrow(/the model is gated/);
      expect(hub.seen.filter(({ kind }) => kind === 'resolve').length).toBe(2);
      expect(await fetchFile('large.bin', { ...options, token: 'hf_accepted' })).toEqual(large);
    });
  });

  it('a status of 500 in the middle is tried again', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      let times = 0;
      hub.fault = ({ kind }) => (kind === 'resolve' && times++ < 2 ? { status: 500 } : null);
      expect(await fetchFile('small.json', options)).toEqual(small);
      expect(times).toBe(3);
    });
  });

  it('a listing without end, and an answer without end, are given up', async () => {
    await withHub({ [REPO]: repoOf(files) }, async ({ hub, options }) => {
      const client = new HubClient(REPO, hubSettings(options, {}));
      const Link = `<${hub.endpoint}/api/models/lab/api/tree/main?cursor=0>; rel="next"`;
      hub.fault = () => ({ body: '[]', headers: { Link } });
      await expect(client.files(COMMIT)).rejects.toThrow(FormatError);
      expect(hub.seen.length).toBeLessThan(1000);
      hub.fault = () => ({ body: new Uint8Array((1 << 25) + 1).fill(32) });
      await expect(client.files(COMMIT)).rejects.toThrow(/an answer longer than/);
    });
  });
});
