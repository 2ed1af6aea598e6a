import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFoundError } from '../errors.ts';
import { accessError } from './nodeFile.ts';

/**
 * Makes a folder, with its parents, and checks that files can be written into it: what takes minutes to compute must
 * not fail at its last line.
 * @throws AccessError when it cannot be made or written to, or is a file.
 */
export async function prepareFolder(path: string): Promise<void> {
  const probe = join(path, temporaryName('.probe'));
  try {
    await mkdir(path, { recursive: true });
    await (await open(probe, 'wx')).close();
    await rm(probe);
  } catch (cause) {
    throw accessError(path, cause);
  }
}

/**
 * Writes a file so that it is there whole or, if the process is killed meanwhile, as it was before: under another name
 * first, synced, then renamed.
 * @throws AccessError when it cannot be written, NotFoundError where there is no such folder.
 */
export async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = temporaryName(path);
  try {
    const handle = await open(unfinished, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new NotFoundError('cannot be written: its folder is not there, or not any more.', { where: path, cause });
    }
    throw accessError(path, cause);
  }
}

/** A name beside `path` that no other process draws. */
export function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
}
