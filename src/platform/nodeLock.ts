/**
 * A lock file keeps a second process out of a folder that one writes to already. One that a killed
 * process left behind is taken over, by one process only:
 *
 *   create   the whole line is written under another name, then linked: the lock is whole, or
 *            another process's is there
 *   claim    a stale lock T may be replaced by whoever holds the lock `PATH.T`, and by nobody else
 *   replace  the holder looks again whether T is still there and still stale, and renames its own
 *            line over it
 *
 * A claim is a lock like any other, so that one left behind by a killed process is claimed in its
 * turn.
 */
import { link, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AccessError } from '../errors.ts';
import { isStale, lockText, lockToken, ownerText, type FoundLock } from './lockOwner.ts';
import { accessError } from './nodeFile.ts';
import { temporaryName, writeSynced } from './nodeFolder.ts';

/** File systems without links (FAT, some network folders) answer so. */
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
/**
 * Each further one takes a lock that was released, or a process that was killed, within
 * microseconds.
 */
const MAX_TRIES = 50;
/** What this process holds: not every system tells it from an earlier one of the same number. */
const held = new Set<string>();

/** A lock that a process holds which is alive, or may be. */
export class InUseError extends AccessError {
  /** In words. */
  readonly owner: string;

  constructor(path: string, owner: string) {
    super(`is in use by ${owner}.`, {
      where: path,
      remedy: 'Wait for it, or use another --out; if no such run is going on, remove this file.',
    });
    this.owner = owner;
  }
}

/**
 * Takes the lock at `path`.
 * @param warn hears where the lock cannot be removed in the end: that must not hide what the work
 * under it came to.
 * @returns what releases it; it never fails.
 * @throws InUseError while a process that is alive, or may be, holds it; AccessError where it
 * cannot be made.
 */
export async function lockFile(path: string, warn: (message: string) => void): Promise<() => Promise<void>> {
  const text = lockText();
  await acquire(path, text, 0);
  held.add(text);
  return async () => {
    await release(path, text).catch((error: Error) => warn(`the lock could not be removed: ${error.message}`));
  };
}

/**
 * Works under a lock, which is released whatever comes of the work.
 * @throws as `lockFile`, and what the work throws.
 */
export async function withLock<T>(path: string, warn: (message: string) => void, work: () => Promise<T>): Promise<T> {
  const unlock = await lockFile(path, warn);
  try {
    return await work();
  } finally {
    await unlock();
  }
}

async function acquire(path: string, text: string, tries: number): Promise<void> {
  if (await create(path, text)) return;
  const found = await readLock(path);
  if (tries === MAX_TRIES || (found !== null && (held.has(found.text) || !isStale(found)))) throw inUse(path, found);
  if (found !== null && (await replace(path, found, text, tries + 1))) return;
  await acquire(path, text, tries + 1);
}

/** Puts `text` in the place of a stale lock; false where that is gone meanwhile. */
async function replace(path: string, stale: FoundLock, text: string, tries: number): Promise<boolean> {
  const claim = `${path}.${lockToken(stale)}`;
  await acquire(claim, text, tries);
  const unfinished = temporaryName(path);
  try {
    const now = await readLock(path);
    if (now === null || now.text !== stale.text || !isStale(now)) return false;
    await writeSynced(unfinished, text);
    await rename(unfinished, path);
    return true;
  } catch (cause) {
    throw accessError(path, cause);
  } finally {
    await rm(unfinished, { force: true }).catch(() => undefined);
    await rm(claim, { force: true }).catch(() => undefined);
  }
}

/** Makes the file with this content, whole; false where there is one. */
async function create(path: string, text: string): Promise<boolean> {
  const unfinished = temporaryName(path);
  try {
    await writeSynced(unfinished, text);
    await link(unfinished, path).catch(async (cause: NodeJS.ErrnoException) => {
      if (!noLinks.has(cause.code ?? '')) throw cause;
      await writeSynced(path, text);
    });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw accessError(path, cause);
  } finally {
    await rm(unfinished, { force: true }).catch(() => undefined);
  }
}

/** Null where there is none. */
async function readLock(path: string): Promise<FoundLock | null> {
  try {
    const [text, { mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)];
    return { text, modified: mtimeMs };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw accessError(path, cause);
  }
}

/**
 * Removes the lock if it is still ours, and the claims that killed processes left beside it: nobody
 * can use them.
 */
async function release(path: string, text: string): Promise<void> {
  held.delete(text);
  const found = await readLock(path);
  if (found?.text !== text) return;
  try {
    for (const name of await readdir(dirname(path))) {
      if (name !== basename(path) && lockOf(name) === basename(path)) {
        await rm(join(dirname(path), name), { force: true });
      }
    }
    await rm(path, { force: true });
  } catch (cause) {
    throw accessError(path, cause);
  }
}

/** The lock that a claim is about, whatever claims were on that. */
function lockOf(path: string): string {
  return path.replace(/(?:\.[0-9a-f]{12})+$/, '');
}

function inUse(path: string, found: FoundLock | null): InUseError {
  return new InUseError(lockOf(path), found === null ? 'another process' : ownerText(found));
}
