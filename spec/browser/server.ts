/** The web server of the browser's tests: bundles, models and the place where a page reports to. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Report } from './runSuite.ts';

const page =
  '<!doctype html><meta charset="utf-8"><title>suite</title><script type="module" src="suites/suitePage.js"></script>';

const types: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.json': 'application/json' };

export interface TestServer {
  /** Address of the page that runs a suite; an isolated page may share memory. */
  pageUrl(suite: string, isolated: boolean): string;
  close(): Promise<void>;
}

/**
 * Serves `folders` by name below /isolated/ and /open/, the same but for the headers that isolate a
 * page (COOP, COEP). Everything knows ranges.
 */
export async function startServer(
  folders: Readonly<Record<string, string>>,
  onReport: (report: Report) => void,
): Promise<TestServer> {
  const server = createServer((request, response) => {
    answer(folders, onReport, request, response).catch(() => {
      response.statusCode = 404;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    pageUrl: (suite, isolated) => `http://127.0.0.1:${port}/${isolated ? 'isolated' : 'open'}/page?suite=${suite}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Rejects for what is not there. */
async function answer(
  folders: Readonly<Record<string, string>>,
  onReport: (report: Report) => void,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/report') {
    onReport(JSON.parse(await text(request)) as Report);
    response.end();
    return;
  }
  const [, place, folder, ...rest] = normalize(decodeURIComponent(pathname)).split('/');
  if (place === 'isolated') {
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
  }
  if (folder === 'page') {
    response.setHeader('content-type', 'text/html');
    response.end(page);
    return;
  }
  const file = rest.join('/');
  const bytes = await readFile(join(folders[folder], file));
  response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
  sendRange(bytes, request.headers.range, response);
}

function sendRange(bytes: Buffer, range: string | undefined, response: ServerResponse): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (from === undefined) {
    response.end(bytes);
    return;
  }
  const part = bytes.subarray(Number(from), Number(to) + 1);
  response.statusCode = 206;
  response.setHeader('content-range', `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`);
  response.end(part);
}
