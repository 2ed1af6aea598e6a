import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AccessError, NotFoundError } from '../errors.ts';
import { accessError } from './nodeFile.ts';

/**
 * Makes a folder, with its parents. Each is tried once: where the system says that a parent is
 * missing although it is there (below /proc, say), Node's own recursive mkdir would try for ever.
 * Of a failure no new folder is left.
 * @throws AccessError when one cannot be made, or a file is in the way.
 */
export async function makeFolder(path: string): Promise<void> {
  const made: string[] = [];
  try {
    for (const folder of await missingFolders(path)) {
      if (await makeOne(folder)) made.push(folder);
    }
  } catch (cause) {
    for (const folder of made.toReversed()) await rmdir(folder).catch(() => undefined);
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw accessError(path, cause);
    throw new AccessError('a folder cannot be created here.', { where: path, cause });
  }
}

/** False where another process has made it meanwhile. */
async function makeOne(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST' && (await isFolder(folder)) === true) return false;
    throw cause;
  }
}

/**
 * The folders of a path that are not there yet, the outermost first. @throws what the file system
 * says otherwise.
 */
async function missingFolders(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let folder = resolve(path); (await isFolder(folder)) === null; folder = dirname(folder)) missing.push(folder);
  return missing.toReversed();
}

/**
 * Null where there is nothing. @throws AccessError for a file, and for a link that leads nowhere.
 */
async function isFolder(path: string): Promise<true | null> {
  const entry = await lstat(path).catch(absent);
  if (entry === null) return null;
  const target = await stat(path).catch(absent);
  if (target === null) throw new AccessError('is a link to something that is not there.', { where: path });
  if (!target.isDirectory()) throw new AccessError('a file is in the way.', { where: path });
  return true;
}

function absent(cause: unknown): null {
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw cause;
}

/**
 * Makes a folder, with its parents, and checks that files can be written into it: what takes
 * minutes to compute must not fail at its last line.
 * @throws AccessError when it cannot be made or written to, or is a file.
 */
export async function prepareFolder(path: string): Promise<void> {
  await makeFolder(path);
  const probe = join(path, temporaryName('.probe'));
  try {
    await (await open(probe, 'wx')).close();
    await rm(probe);
  } catch (cause) {
    throw accessError(path, cause);
  }
}

/**
 * Writes a file so that it is there whole or, if the process is killed meanwhile, as it was before:
 * under another name first, synced, then renamed.
 * @throws AccessError when it cannot be written, NotFoundError where there is no such folder.
 */
export async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = temporaryName(path);
  try {
    await writeSynced(unfinished, content);
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new NotFoundError('cannot be written: its folder is not there, or not any more.', { where: path, cause });
    }
    throw accessError(path, cause);
  }
}

/** Makes a file that is not there yet, and waits until the disk has its content. */
export async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name beside `path` that no other process draws. */
export function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
}
