/** `serve`: what a request gets, and what it never gets. */
import { fc, test } from '@fast-check/vitest';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathParts } from '../../../src/cli/serve/servedPath.ts';
import { DEFAULT_PORT, startServer, type ServedFolder } from '../../../src/cli/serveCommand.ts';
import { AccessError, NotFoundError, UsageError } from '../../../src/errors.ts';
import { ask, askRaw, type Reply } from './request.ts';

const base = mkdtempSync(join(tmpdir(), 'blockpruner-serve-'));
const folder = join(base, 'served');
const SECRET = 'SECRET';
const bytes = Buffer.from(Array.from({ length: 300 }, (_, index) => index % 251));

/** Files by path below `base`. */
const files: Readonly<Record<string, string | Buffer>> = {
  'secret.txt': SECRET,
  'served-too/secret.txt': SECRET,
  'served/.env': SECRET,
  'served/.git/config': SECRET,
  'served/data.bin': bytes,
  'served/empty.txt': '',
  'served/a b & <c>.txt': 'spaced',
  'served/sub/inner.txt': 'inner',
  'served/per%20cent.txt': 'percent',
  'served/run/report.html': '<p>report</p>',
  'served/site/index.html': '<p>index</p>',
  'served/site/report.html': '<p>report</p>',
  'served/engine.wasm': Buffer.from([0, 97, 115, 109]),
};
/** Symbolic links by path, and where they lead. */
const links: Readonly<Record<string, string>> = {
  'served/out': '..',
  'served/out.txt': '../secret.txt',
  'served/hidden.txt': '.env',
  'served/inner-link.txt': 'sub/inner.txt',
  'served/loop': 'loop',
  'served/linked-index/index.html': '../../secret.txt',
};

let served: ServedFolder;
beforeAll(async () => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(base, name, '..'), { recursive: true });
    writeFileSync(join(base, name), content);
  }
  for (const [name, to] of Object.entries(links)) {
    mkdirSync(join(base, name, '..'), { recursive: true });
    symlinkSync(to, join(base, name));
  }
  served = await startServer(folder, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await new Promise((resolve) => served.server.close(resolve));
  rmSync(base, { recursive: true });
});
const get = (target: string, headers: Record<string, string> = {}, method?: string): Promise<Reply> =>
  ask(served.address, target, { headers, method });

describe('a file', () => {
  it('comes as it is, with headers that give a page threads', async () => {
    const { status, headers, body } = await get('/data.bin?x=1');
    expect(status).toBe(200);
    expect(body).toEqual(bytes);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '300',
      'accept-ranges': 'bytes',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    expect((await get('/engine.wasm')).headers['content-type']).toBe('application/wasm');
    expect((await get('/a%20b%20&%20%3Cc%3E.txt')).body.toString()).toBe('spaced');
    // A path is decoded once.
    expect((await get('/per%2520cent.txt')).body.toString()).toBe('percent');
    expect((await get('/inner-link.txt')).body.toString()).toBe('inner');
    expect(await get('/empty.txt')).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  });

  test.prop([fc.nat({ max: 320 }), fc.nat({ max: 320 }), fc.constantFrom('both', 'start', 'last')], { numRuns: 60 })(
    'in any range is that slice of it',
    async (first, last, form) => {
      const range = { both: `${first}-${last}`, start: `${first}-`, last: `-${first}` }[form];
      const { status, headers, body } = await get('/data.bin', { range: `bytes=${range}` });
      const from = form === 'last' ? Math.max(0, 300 - first) : first;
      const to = form === 'both' ? Math.min(last, 299) : 299;
      if (form === 'both' && last < first) expect([status, body]).toEqual([200, bytes]);
      else if (from >= 300) {
        expect([status, headers['content-range']]).toEqual([416, 'bytes */300']);
      } else {
        expect([status, headers['content-range']]).toEqual([206, `bytes ${from}-${to}/300`]);
        expect(headers['content-length']).toBe(String(to - from + 1));
        expect(body).toEqual(bytes.subarray(from, to + 1));
      }
    },
  );

  it('to HEAD has the headers of GET and no body', async () => {
    for (const headers of [{}, { range: 'bytes=2-4' }, { range: 'bytes=999-' }] as Record<string, string>[]) {
      const whole = await get('/data.bin', headers);
      const head = await get('/data.bin', headers, 'HEAD');
      expect(head.body).toHaveLength(0);
      expect(head.status).toBe(whole.status);
      expect({ ...head.headers, date: '' }).toEqual({ ...whole.headers, date: '' });
    }
  });

  it('that a reader has already is not sent again, until it changes', async () => {
    const { etag = '' } = (await get('/data.bin')).headers;
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      expect(await get('/data.bin', { 'if-none-match': known })).toMatchObject({ status: 304, body: Buffer.alloc(0) });
    }
    expect((await get('/data.bin', { 'if-none-match': '"x"' })).status).toBe(200);
    const part = { range: 'bytes=0-1' };
    expect((await get('/data.bin', { ...part, 'if-range': etag })).status).toBe(206);
    utimesSync(join(folder, 'data.bin'), 1, 1);
    expect((await get('/data.bin', { 'if-none-match': etag })).status).toBe(200);
    expect((await get('/data.bin', { ...part, 'if-range': etag })).status).toBe(200);
  });
});

describe('a folder', () => {
  it('shows index.html, else report.html, else what is in it', async () => {
    expect((await get('/site/')).body.toString()).toBe('<p>index</p>');
    expect((await get('/run/')).body.toString()).toBe('<p>report</p>');
    const { headers, body } = await get('/');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const page = body.toString();
    expect(page).toContain('<a href="./a%20b%20%26%20%3Cc%3E.txt">a b &amp; &lt;c&gt;.txt</a>');
    expect(page).toContain('<a href="./sub/">sub/</a>');
    expect(page).not.toMatch(/\.env|\.git/);
  });

  it('without a slash at its end leads to the address with one', async () => {
    expect(await get('/run?step=2')).toMatchObject({ status: 301, headers: { location: '/run/?step=2' } });
    // No address of another site can be made of it.
    for (const target of ['//run', '//127.0.0.1/run', '/\\run']) expect((await get(target)).status).toBe(404);
  });

  it('whose page is a link that leads out shows what is in it', async () => {
    expect((await get('/linked-index/')).body.toString()).not.toContain(SECRET);
  });
});

/** What paths that mean harm are made of. */
const someTarget = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '/',
        '//',
        '\\',
        '%2e',
        '%2E%2e',
        '%252e%252e',
        '%2f',
        '%5c',
        '%255c',
        '%00',
        '%c0%ae',
      ),
      fc.constantFrom('out', 'out.txt', 'hidden.txt', '.env', '.git', 'config', 'secret.txt', 'served', 'served-too'),
      fc.constantFrom('sub', 'inner.txt', 'linked-index', 'C:', 'file:', '?', '#', '%', '~'),
      fc.webFragments(),
    ),
    { maxLength: 9 },
  )
  .map((parts) => `/${parts.join('')}`.replaceAll(/[^!-~]/g, '_'));

describe('what is not served', () => {
  test.prop([someTarget], { numRuns: 300 })('is all that lies outside the folder, by any path', async (target) => {
    const { status, body } = await get(target);
    expect([200, 301, 404], target).toContain(status);
    expect(body.includes(SECRET), target).toBe(false);
  });

  test.prop([someTarget])('a path has no part that leads up or is hidden', (target) => {
    for (const part of pathParts(target)?.parts ?? []) expect(part).toMatch(/^[^.\\\0][^\\\0]*$/);
  });

  it.each([
    '/../secret.txt',
    '/sub/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%252e%252e/secret.txt',
    '/..%5csecret.txt',
    '/out/secret.txt',
    '/out.txt',
    '/.env',
    '/hidden.txt',
    '/.git/config',
    '/loop',
    '/none',
    '/data.bin/',
    '/data.bin/x',
    '/%',
    '/%ff',
    '/a%00b',
    `/${'x'.repeat(3000)}`,
    '*',
  ])('%s', async (target) => {
    const { status, body } = await get(target);
    expect(status).toBe(404);
    expect(body.toString()).toBe('There is no such file here.\n');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s', async (method) => {
    expect(await get('/data.bin', {}, method)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it('a request under another name: a page elsewhere may have made its own name mean this machine', async () => {
    for (const host of ['evil.example', 'localhost.evil.example:80']) {
      expect((await get('/data.bin', { host })).status).toBe(421);
    }
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:9', '[::1]:1']) {
      expect((await get('/data.bin', { host })).status).toBe(200);
    }
  });

  it('a request that names no host', async () => {
    expect(await askRaw(served.address, 'GET /data.bin HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /);
  });

  it('what is not HTTP', async () => {
    expect(await askRaw(served.address, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('where it listens', () => {
  it('is a free port after the default one where that is taken, and says so; a port that is asked for is not changed', async () => {
    const first = await startServer(folder, { host: '127.0.0.1' });
    const second = await startServer(folder, { host: '127.0.0.1' });
    expect(second.taken).toBe(DEFAULT_PORT);
    expect(second.address).not.toBe(first.address);
    const port = Number(new URL(first.address).port);
    await expect(startServer(folder, { host: '127.0.0.1', port })).rejects.toThrow(AccessError);
    await expect(startServer(folder, { host: '127.0.0.1', port })).rejects.toThrow(/^--port: port \d+ is taken\./);
    for (const { server } of [first, second]) await new Promise((resolve) => server.close(resolve));
  });

  it('is refused in one line where it cannot be', async () => {
    const nowhere = startServer(folder, { host: '203.0.113.1', port: 0 });
    await expect(nowhere).rejects.toThrow(/^--host: '203\.0\.113\.1' is no address of this machine \(EADDRNOTAVAIL\)/);
    await expect(startServer(join(folder, 'none'), { host: '127.0.0.1' })).rejects.toThrow(NotFoundError);
    await expect(startServer(join(folder, 'data.bin'), { host: '127.0.0.1' })).rejects.toThrow(UsageError);
  });

  it('is any port of this machine, and nothing stays behind', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const { server, address } = await startServer(folder, { host: 'localhost', port: 0 });
    expect((await ask(address, '/sub/inner.txt')).body.toString()).toBe('inner');
    await new Promise((resolve) => server.close(resolve));
    await new Promise((resolve) => other.close(resolve));
    await expect(ask(address, '/sub/inner.txt')).rejects.toThrow(/ECONNREFUSED/);
  });
});
