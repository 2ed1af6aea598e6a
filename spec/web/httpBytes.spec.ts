/** Against a web server on this machine. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fc, test } from '@fast-check/vitest';
import { afterEach, describe, expect, it } from 'vitest';
import { AccessError, FileChangedError, FormatError, NotFoundError } from '../../src/errors.ts';
import { httpBytes } from '../../src/web/httpBytes.ts';

let server: Server | null = null;

async function serving(listener: RequestListener): Promise<string> {
  const made = createServer(listener);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}/model.gguf?key=secret`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** No wait between tries. */
const atOnce = (): Promise<void> => Promise.resolve();

const content = Uint8Array.from({ length: 300 }, (_, index) => index);

/** A server that knows ranges; `change` may spoil its answers from the second on. */
function ranges(change: (headers: Headers, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes): RequestListener {
  let requests = 0;
  return (request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const headers = new Headers({ etag: '"1"', 'content-range': `bytes ${from}-${to}/${content.length}` });
    const bytes = content.slice(Number(from), Number(to) + 1);
    const sent = requests++ === 0 ? bytes : change(headers, bytes);
    response.writeHead(206, Object.fromEntries(headers)).end(sent);
  };
}

describe('from a server that knows ranges', () => {
  test.prop([fc.nat(320), fc.nat(320)], { numRuns: 30 })(
    'reads any range, and refuses one that leaves the file',
    async (offset, length) => {
      const source = await httpBytes(await serving(ranges()));
      expect(source.size).toBe(content.length);
      const read = source.read(offset, length);
      if (offset + length <= content.length) expect(await read).toEqual(content.slice(offset, offset + length));
      else await expect(read).rejects.toThrow(FormatError);
      server?.closeAllConnections();
      server?.close();
    },
  );

  it('does not take a short answer, or one of another version, for the file', async () => {
    const short = await httpBytes(await serving(ranges((_, bytes) => bytes.slice(1))));
    await expect(short.read(10, 5)).rejects.toThrow(AccessError);
    server?.close();
    const other = await httpBytes(
      await serving(
        ranges((headers, bytes) => {
          headers.set('etag', '"2"');
          return bytes;
        }),
      ),
    );
    await expect(other.read(10, 5)).rejects.toThrow(FileChangedError);
  });
});

describe('a file that is changed on the server', () => {
  /**
   * Serves `version`'s bytes, in ranges, under the headers that name it; the specs change `version`
   * in between.
   */
  function versioned(names: readonly ('etag' | 'last-modified')[]): {
    state: { version: number; bytes: Uint8Array };
    listener: RequestListener;
  } {
    const state = { version: 1, bytes: content };
    const listener: RequestListener = (request, response) => {
      const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
      const headers = names.map((name) => [name, name === 'etag' ? `"${state.version}"` : `day ${state.version}`]);
      if (match === null) return void response.writeHead(200, Object.fromEntries(headers) as {}).end(state.bytes);
      const [from, to] = [Number(match[1]), Number(match[2]) + 1];
      if (to > state.bytes.length) return void response.writeHead(416).end();
      headers.push(['content-range', `bytes ${from}-${to - 1}/${state.bytes.length}`]);
      response.writeHead(206, Object.fromEntries(headers) as {}).end(state.bytes.subarray(from, to));
    };
    return { state, listener };
  }

  it.each([
    ['in place, told by its ETag', ['etag'], 2, content.toReversed()],
    ['in place, told by the day of its last change', ['last-modified'], 2, content.toReversed()],
    ['for a shorter one', ['etag'], 2, content.slice(0, 100)],
    ['for a longer one under the same ETag', ['etag'], 1, new Uint8Array(400)],
  ] as const)('%s, is noticed with the next piece, and before the result', async (_, names, version, bytes) => {
    const { state, listener } = versioned(names);
    const source = await httpBytes(await serving(listener));
    expect(await source.read(200, 50)).toEqual(content.slice(200, 250));
    await source.assertUnchanged();
    Object.assign(state, { version, bytes });
    await expect(source.read(200, 50)).rejects.toThrow(FileChangedError);
    await expect(source.assertUnchanged()).rejects.toThrow(/model\.gguf: the file on the server was changed/);
  });

  it('is taken whole where the server names no version: what was read stays one file', async () => {
    const { state, listener } = versioned([]);
    const source = await httpBytes(await serving(listener));
    state.bytes = content.toReversed();
    expect(await source.read(7, 9)).toEqual(content.slice(7, 16));
    await source.assertUnchanged();
  });

  it('a piece from another place is not taken', async () => {
    const source = await httpBytes(
      await serving(
        ranges((headers, bytes) => {
          headers.set('content-range', `bytes 0-${bytes.length - 1}/${content.length}`);
          return bytes;
        }),
      ),
    );
    await expect(source.read(10, 5)).rejects.toThrow(/did not send the 5 bytes from 10 on/);
  });
});

describe('what may pass by itself', () => {
  /** Answers ranges, but the failures first, from the second request on. */
  function failing(...failures: RequestListener[]): { listener: RequestListener; requests: () => number } {
    const good = ranges();
    let requests = 0;
    const listener: RequestListener = (request, response) => {
      const failure = failures[requests++ - 1];
      (failure ?? good)(request, response);
    };
    return { listener, requests: () => requests };
  }
  const status =
    (code: number, headers = {}): RequestListener =>
    (_, response) =>
      response.writeHead(code, headers).end();
  const breakOff: RequestListener = (request) => request.socket.destroy();

  test.prop([fc.array(fc.constantFrom(status(429), status(500), status(503), breakOff), { maxLength: 3 })], {
    numRuns: 15,
  })('up to three failures in a row are none', async (failures) => {
    const { listener, requests } = failing(...failures);
    const source = await httpBytes(await serving(listener), atOnce);
    expect(await source.read(7, 9)).toEqual(content.slice(7, 16));
    expect(requests()).toBe(2 + failures.length);
    server?.closeAllConnections();
    server?.close();
  });

  it('four are one, and the last is told', async () => {
    const { listener } = failing(breakOff, status(503), breakOff, status(429));
    const source = await httpBytes(await serving(listener), atOnce);
    await expect(source.read(7, 9)).rejects.toThrow('answered 429. It has had too many requests: wait a while.');
  });

  it('waits as long as the server asks, a minute at most, else longer each time', async () => {
    const waits: number[] = [];
    const { listener } = failing(status(429, { 'retry-after': '2' }), status(503, { 'retry-after': '3600' }), breakOff);
    const source = await httpBytes(await serving(listener), (milliseconds) => {
      waits.push(milliseconds);
      return atOnce();
    });
    await source.read(0, 1);
    expect(waits).toEqual([2000, 60_000, 2000]);
  });

  it('what will not pass is not tried again', async () => {
    const { listener, requests } = failing(status(403));
    const source = await httpBytes(await serving(listener), atOnce);
    await expect(source.read(0, 1)).rejects.toThrow('answered 403. The address may need a sign-in, or have expired.');
    expect(requests()).toBe(2);
  });
});

it('a web page is not taken for the file: servers send their start page for what they do not have', async () => {
  const page: RequestListener = (_, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>');
  await expect(httpBytes(await serving(page))).rejects.toThrow(/model\.gguf: the server answered with a web page/);
});

it('takes the whole file where the request for a range fails as a whole', async () => {
  const url = await serving((request, response) => {
    if (request.headers.range === undefined) response.end(content);
    else request.socket.destroy();
  });
  const source = await httpBytes(url);
  expect(await source.read(7, 9)).toEqual(content.slice(7, 16));
});

it('takes the whole file from a server that knows no ranges', async () => {
  const source = await httpBytes(await serving((_, response) => response.end(content)));
  expect(source.size).toBe(content.length);
  expect(await source.read(7, 9)).toEqual(content.slice(7, 16));
});

it('an empty file has no range', async () => {
  const source = await httpBytes(await serving((_, response) => response.writeHead(416).end()));
  expect(source.size).toBe(0);
});

describe('says what is wrong, without the key in the address', () => {
  it.each([
    [404, NotFoundError, 'no such file'],
    [403, AccessError, 'answered 403'],
    [500, AccessError, 'answered 500'],
    [206, AccessError, 'how large the file is'],
  ] as const)('%i', async (status, type, message) => {
    const url = await serving((_, response) => response.writeHead(status).end());
    const opened = httpBytes(url, atOnce);
    await expect(opened).rejects.toThrow(type);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.not.toThrow('secret');
  });

  it('no server', async () => {
    const url = await serving(() => {});
    await new Promise((resolve) => server?.close(resolve));
    await expect(httpBytes(url)).rejects.toThrow('cannot be fetched');
  });
});
