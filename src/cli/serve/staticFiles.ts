/**
 * A folder over HTTP, to be read and no more. Written here because no small library does all of it
 * rightly (CONTRIBUTING.md has the reason).
 */
import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { byteRange } from './byteRange.ts';
import { contentType } from './contentType.ts';
import { listing } from './listing.ts';
import { servedPath, type ServedFolderPath } from './servedPath.ts';

/** A folder's page, the first of these: a report is what a run's folder is opened for. */
const INDEX = ['index.html', 'report.html'];

/**
 * With the first two a page is cross-origin isolated, so that WebAssembly has threads
 * (SharedArrayBuffer). The third keeps other sites' pages from taking files in.
 */
const HEADERS: OutgoingHttpHeaders = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  // What is served is being worked on: a browser asks each time, and 304 answers it.
  'cache-control': 'no-cache',
};

export interface StaticFiles {
  /** The folder's real path. */
  readonly root: string;
  /**
   * Names that a request may give as its host, without the port; null for any. A page elsewhere
   * whose name was made to mean this machine is refused so (DNS rebinding).
   */
  readonly hosts: ReadonlySet<string> | null;
}

/** Answers one request. Never throws: what goes wrong is an answer, or a closed connection. */
export async function answer(files: StaticFiles, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await answered(files, request, response);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (response.headersSent) response.destroy();
    else if (code === 'EACCES' || code === 'EPERM') say(request, response, 403, 'This may not be read.');
    else say(request, response, 500, 'This cannot be read.');
  }
}

async function answered(
  { root, hosts }: StaticFiles,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (hosts !== null && !hosts.has(hostOf(request))) {
    return say(request, response, 421, 'This server has another name.');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return say(request, response, 405, 'Files are read here: GET and HEAD alone are answered.');
  }
  const found = await servedPath(root, request.url ?? '');
  if (found.kind === 'none') return say(request, response, 404, 'There is no such file here.');
  if (found.kind === 'file') return sendFile(found.path, request, response);
  if (!found.slash) {
    response.setHeader('location', `/${found.parts.map(encodeURIComponent).join('/')}/${queryOf(request)}`);
    return say(request, response, 301, 'This is a folder.');
  }
  return sendFolder(root, found, request, response);
}

async function sendFolder(
  root: string,
  { path, parts }: ServedFolderPath,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const name of INDEX) {
    const page = await servedPath(root, `/${[...parts, name].map(encodeURIComponent).join('/')}`);
    if (page.kind === 'file') return sendFile(page.path, request, response);
  }
  const text = await listing(path, ['', ...parts, ''].join('/'));
  say(request, response, 200, text, 'text/html; charset=utf-8');
}

async function sendFile(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // The path is real: a link that has taken its place since is not followed.
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await file.stat({ bigint: true });
    if (!about.isFile()) return say(request, response, 404, 'There is no such file here.');
    await sendOpened(file, about, basename(path), request, response);
  } finally {
    await file.close();
  }
}

async function sendOpened(
  file: FileHandle,
  about: BigIntStats,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const size = Number(about.size);
  const tag = `"${about.size.toString(36)}-${about.mtimeNs.toString(36)}"`;
  const headers: OutgoingHttpHeaders = {
    ...HEADERS,
    etag: tag,
    'last-modified': about.mtime.toUTCString(),
    'accept-ranges': 'bytes',
  };
  if (matches(request.headers['if-none-match'], tag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const wanted = request.headers['if-range'];
  // A range of another version than the reader has would not fit.
  const range = wanted === undefined || wanted === tag ? byteRange(request.headers.range, size) : null;
  if (range === 'beyond') {
    response.setHeader('content-range', `bytes */${size}`);
    return say(request, response, 416, `The file has ${size} bytes.`);
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === null ? 200 : 206, {
    ...headers,
    'content-type': contentType(name),
    'content-length': end - start + 1,
    ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD' || end < start) response.end();
  else await pipeline(file.createReadStream({ start, end, autoClose: false }), response);
}

/** Whether a list of tags names this one, weak (`W/`) or not; `*` names all. */
function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => ['*', tag, `W/${tag}`].includes(one.trim()));
}

/** A short answer, the same for every reader. */
function say(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
  type: string = 'text/plain; charset=utf-8',
): void {
  const body = Buffer.from(type.startsWith('text/plain') ? `${text}\n` : text);
  response.writeHead(status, { ...HEADERS, 'content-type': type, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** `localhost:8417` → `localhost`, `[::1]:80` → `[::1]` */
function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').toLowerCase().replace(/:\d*$/, '');
}

function queryOf({ url = '' }: IncomingMessage): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}
