/**
 * A hub on this machine, for specs: the part of Hugging Face's API that the client uses, with a
 * second server on another origin as its CDN. As on the real one, large files (LFS) are redirected
 * to the CDN and small ones to `/api/resolve-cache/`. Every request is noted, and a spec can put a
 * fault in its way.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Repo {
  /** Commit → its files. A name with a `/` shows as a directory in the listing. */
  readonly commits: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
  /** Branches and tags → commit. */
  readonly refs: Map<string, string>;
  /** Token without which the repository does not exist. */
  privateTo?: string;
  /** Token whose account has accepted the terms. */
  gatedFor?: string;
}

/**
 * A request for a model's commit, for the list of its files, for a file, or for a file's bytes
 * where it redirects to.
 */
export interface Seen {
  readonly kind: 'info' | 'tree' | 'resolve' | 'bytes' | 'other';
  readonly file: string;
  /** First byte asked for; null without a Range. */
  readonly from: number | null;
  readonly authorization: string | undefined;
  /** Whether it came to the CDN. */
  readonly cdn: boolean;
  /** Resolves once the client has closed the connection before the answer was complete. */
  readonly abandoned: Promise<void>;
}

/** What happens instead of the right answer. */
export type Fault =
  | { readonly status: number; readonly code?: string; readonly headers?: Readonly<Record<string, string>> }
  /** These bytes or this text, as if nothing were wrong. */
  | { readonly body: Uint8Array | string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is dropped after so many bytes of a file; at once where no file is asked for. */
  | { readonly cutAfter: number }
  /** The head and the first half of the body come, then nothing. */
  | 'silence'
  /** The head comes, then a byte in every so many ms. */
  | { readonly dripEvery: number }
  /** No answer at all. */
  | 'no answer'
  /** The whole file, whatever range was asked for. */
  | 'no ranges';

export interface HubServer {
  readonly endpoint: string;
  readonly repos: Map<string, Repo>;
  readonly seen: Seen[];
  /** Asked before every answer; may take its time. */
  fault: (request: Seen) => Fault | null | undefined | Promise<Fault | null | undefined>;
  /** Requests so far for a file's bytes, as `file@first byte`. */
  readonly downloads: string[];
  close(): Promise<void>;
}

/** Entries of the file listing on one page. */
const PAGE = 3;
/** Files from this size on are LFS. */
export const LFS_FROM = 10_000;

export async function startHub(repos: Readonly<Record<string, Repo>>): Promise<HubServer> {
  const seen: Seen[] = [];
  const hub: HubServer = {
    endpoint: '',
    repos: new Map(Object.entries(repos)),
    seen,
    fault: () => null,
    get downloads() {
      return seen.filter(({ kind }) => kind === 'bytes').map(({ file, from }) => `${file}@${from ?? 0}`);
    },
    close: async () => {
      for (const server of [front, cdn]) {
        server.closeAllConnections();
        await new Promise((done) => void server.close(done));
      }
    },
  };
  const cdn = await listen((request, response) => answer(request, response, true));
  const front = await listen((request, response) => answer(request, response, false));
  const cdnOrigin = origin(cdn);
  Object.assign(hub, { endpoint: origin(front) });
  return hub;

  async function answer(request: IncomingMessage, response: ServerResponse, isCdn: boolean): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://hub');
    const asked = route(url.pathname);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const note: Seen = {
      kind: asked.kind,
      file: asked.file,
      from: range === null ? null : Number(range[1]),
      authorization: request.headers.authorization,
      cdn: isCdn,
      abandoned: new Promise((resolve) => response.on('close', () => void (response.writableFinished || resolve()))),
    };
    seen.push(note);
    const fault = (await hub.fault(note)) ?? null;
    if (fault === 'no answer') return;
    if (fault !== null && typeof fault === 'object' && 'status' in fault) {
      const code = fault.code === undefined ? {} : { 'X-Error-Code': fault.code };
      response.writeHead(fault.status, { ...code, ...fault.headers }).end('no');
      return;
    }
    if (fault !== null && typeof fault === 'object' && 'body' in fault) {
      const partial = range !== null && asked.kind === 'bytes';
      response.writeHead(partial ? 206 : 200, fault.headers).end(fault.body);
      return;
    }
    if (fault !== null && typeof fault === 'object' && 'dripEvery' in fault) {
      response.writeHead(range === null ? 200 : 206);
      const timer = setInterval(() => response.write(' '), fault.dripEvery);
      response.on('close', () => clearInterval(timer));
      return;
    }
    if (fault !== null && typeof fault === 'object' && asked.kind !== 'bytes') {
      response.destroy();
      return;
    }
    const refuse = (status: number, code: string): void =>
      void response.writeHead(status, { 'X-Error-Code': code }).end();
    const repo = hub.repos.get(asked.repo);
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    const hidden = repo?.privateTo !== undefined && repo.privateTo !== token;
    // The CDN's addresses are signed: it asks for no token.
    if (repo === undefined || (hidden && !isCdn)) return refuse(token === undefined ? 401 : 404, 'RepoNotFound');
    const commit = repo.commits.has(asked.revision) ? asked.revision : repo.refs.get(asked.revision);
    const files = repo.commits.get(commit ?? '');
    if (commit === undefined || files === undefined) return refuse(404, 'RevisionNotFound');
    if (asked.kind === 'info') return json(response, { _id: '1', id: asked.repo, sha: commit });
    if (asked.kind === 'tree') return tree(response, url, files);
    if (repo.gatedFor !== undefined && repo.gatedFor !== token && !isCdn) {
      return refuse(token === undefined ? 401 : 403, 'GatedRepo');
    }
    const bytes = files.get(asked.file);
    if (bytes === undefined) return refuse(404, 'EntryNotFound');
    if (asked.kind === 'resolve') {
      const lfs = bytes.length >= LFS_FROM;
      const path = `/api/resolve-cache/models/${asked.repo}/${commit}/${encodeURIComponent(asked.file)}`;
      const linked = lfs ? { 'X-Linked-Size': bytes.length, 'X-Linked-Etag': `"${sha256(bytes)}"` } : {};
      const location = lfs ? `${cdnOrigin}${path}?signed` : path;
      response.writeHead(lfs ? 302 : 307, { Location: location, 'X-Repo-Commit': commit, ...linked }).end();
      return;
    }
    const whole = range === null || fault === 'no ranges';
    const body = whole ? bytes : bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    const head = whole ? {} : { 'Content-Range': `bytes ${range[1]}-${range[2]}/${bytes.length}` };
    response.writeHead(whole ? 200 : 206, { ETag: `"${etag(bytes)}"`, 'Content-Length': body.length, ...head });
    if (fault === 'silence') {
      response.write(body.subarray(0, body.length / 2));
    } else if (fault === null || fault === 'no ranges') {
      response.end(body);
    } else {
      // Ended and not reset, so that what was sent arrives.
      response.write(body.subarray(0, fault.cutAfter), () => void response.socket?.end());
    }
  }

  function tree(response: ServerResponse, url: URL, files: ReadonlyMap<string, Uint8Array>): void {
    const names = [...new Set([...files.keys()].map((name) => name.split('/')[0]))];
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const entries = names.slice(from, from + PAGE).map((name) => {
      const bytes = files.get(name);
      return bytes === undefined ? { type: 'directory', path: name, size: 0, oid: sha1('') } : treeEntry(name, bytes);
    });
    url.searchParams.set('cursor', String(from + PAGE));
    const next = `<${hub.endpoint}${url.pathname}${url.search}>; rel="next"`;
    json(response, entries, from + PAGE < names.length ? { Link: next } : {});
  }
}

/** How the hub lists a file: by its git object, and an LFS file by its SHA-256 as well. */
export function treeEntry(path: string, bytes: Uint8Array): Record<string, unknown> {
  const size = bytes.length;
  if (size < LFS_FROM) return { type: 'file', path, size, oid: gitHash(bytes) };
  const pointer = new TextEncoder().encode(`version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(bytes)}\n`);
  return { type: 'file', path, size, oid: gitHash(pointer), lfs: { oid: sha256(bytes), size, pointerSize: 130 } };
}

/** The name of a file's bytes among the cache's blobs. */
export function etag(bytes: Uint8Array): string {
  return bytes.length < LFS_FROM ? gitHash(bytes) : sha256(bytes);
}

/** A commit hash for a spec: any 40 hex digits. */
export function commitHash(name: string): string {
  return sha1(name);
}

/** A repository with one commit on main. */
export function repoOf(files: ReadonlyMap<string, Uint8Array>): Repo {
  const commit = commitHash('first');
  return { commits: new Map([[commit, files]]), refs: new Map([['main', commit]]) };
}

function route(pathname: string): Pick<Seen, 'kind' | 'file'> & { repo: string; revision: string } {
  const forms: readonly [Seen['kind'], RegExp][] = [
    ['bytes', /^\/api\/resolve-cache\/models\/((?:[^/]+\/)?[^/]+)\/([0-9a-f]{40})\/(.+)$/],
    ['info', /^\/api\/models\/((?:[^/]+\/)?[^/]+)\/revision\/([^/]+)$/],
    ['tree', /^\/api\/models\/((?:[^/]+\/)?[^/]+)\/tree\/([^/]+)$/],
    ['resolve', /^\/((?:[^/]+\/)?[^/]+)\/resolve\/([^/]+)\/(.+)$/],
  ];
  for (const [kind, form] of forms) {
    const match = form.exec(pathname)?.map((part) => decodeURIComponent(part ?? ''));
    if (match !== undefined) return { kind, repo: match[1], revision: match[2], file: match[3] ?? '' };
  }
  return { kind: 'other', repo: '', revision: '', file: '' };
}

function json(response: ServerResponse, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value));
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<Server> {
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function origin(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

function gitHash(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
