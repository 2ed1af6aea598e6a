import { realpath, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { isIP } from 'node:net';
import { AccessError, UsageError } from '../errors.ts';
import { accessError } from '../platform/nodeFile.ts';
import { losesOnInterruption } from './interruption.ts';
import { answer } from './serve/staticFiles.ts';
import { Terminal } from './terminal.ts';

export interface ServeOptions {
  host: string;
  port?: number;
  quiet: boolean;
}

/** Where a server listens without --port, and how many ports after it are tried. */
export const DEFAULT_PORT = 8417;
const PORTS_TRIED = 20;

/** Names of this machine for itself alone. */
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

/**
 * `blockpruner serve [FOLDER]`: a folder's files over HTTP, for this machine alone unless --host
 * says otherwise. Goes on until it is interrupted.
 */
export async function serveCommand(folder: string | undefined, options: ServeOptions): Promise<void> {
  const terminal = new Terminal({ ...options, json: false });
  const served = await startServer(folder ?? '.', options);
  const { host } = options;
  if (!LOOPBACK.has(host)) {
    terminal.warn(
      `everybody who can reach ${host} can read ${served.root}. Pages opened from other machines have one thread: browsers isolate pages of https and of localhost only.`,
    );
  }
  if (served.taken !== null) terminal.note(`port ${served.taken} is taken, so this is the next free one`);
  losesOnInterruption('no longer serving.');
  terminal.result(served.address);
  terminal.note(`serving ${served.root}; Ctrl-C ends it`);
  await new Promise<void>((resolve) => {
    served.server.on('close', resolve);
  });
}

export interface ServedFolder {
  readonly server: Server;
  /** The folder's real path. */
  readonly root: string;
  /** What a browser is given: `http://127.0.0.1:8417/`. */
  readonly address: string;
  /** The default port where it is another's; else null. */
  readonly taken: number | null;
}

/**
 * @throws NotFoundError or AccessError for a folder that cannot be read, UsageError for what is no
 * folder, AccessError for a port or a host that cannot be had.
 */
export async function startServer(
  folder: string,
  { host, port }: Pick<ServeOptions, 'host' | 'port'>,
): Promise<ServedFolder> {
  const root = await realFolder(folder);
  const hosts = LOOPBACK.has(host) ? new Set([...LOOPBACK, '[::1]']) : null;
  const server = createServer((request, response) => void answer({ root, hosts }, request, response));
  const last = port ?? DEFAULT_PORT + PORTS_TRIED - 1;
  for (let tried = port ?? DEFAULT_PORT; tried <= last; tried++) {
    const error = await listening(server, host, tried);
    if (error === null) {
      const own = server.address();
      const at = typeof own === 'object' && own !== null ? own.port : tried;
      const name = isIP(host) === 6 ? `[${host}]` : host;
      const taken = port === undefined && at !== DEFAULT_PORT ? DEFAULT_PORT : null;
      return { server, root, address: `http://${name}:${at}/`, taken };
    }
    if (error.code !== 'EADDRINUSE') throw unavailable(host, tried, error);
  }
  throw new AccessError(
    port === undefined ? `ports ${DEFAULT_PORT} to ${last} are all taken.` : `port ${port} is taken.`,
    { where: '--port', remedy: 'Give another one; 0 takes any that is free.' },
  );
}

/** Null once the server listens; else why it cannot. */
function listening(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error);
    server.once('error', failed);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', failed);
      resolve(null);
    });
  });
}

function unavailable(host: string, port: number, cause: NodeJS.ErrnoException): AccessError {
  if (cause.code === 'EACCES') {
    return new AccessError(`port ${port} is not for everybody.`, {
      where: '--port',
      remedy: 'Take one from 1024 on.',
      cause,
    });
  }
  return new AccessError(`'${host}' is no address of this machine (${cause.code}).`, {
    where: '--host',
    remedy: 'Leave it out for this machine alone, or use 0.0.0.0 for all its addresses.',
    cause,
  });
}

async function realFolder(folder: string): Promise<string> {
  let root: string;
  let isFolder: boolean;
  try {
    root = await realpath(folder);
    isFolder = (await stat(root)).isDirectory();
  } catch (cause) {
    throw accessError(folder, cause);
  }
  if (!isFolder) throw new UsageError('is a file.', { where: folder, remedy: 'Give the folder that it is in.' });
  return root;
}
