/**
 * One process at a time downloads a blob. A second one that wrote to the same unfinished file would
 * go on writing to it after the first has given it its name and opened it: the open file would be a
 * changed one.
 */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AccessError } from '../../errors.ts';
import { makeFolder } from '../nodeFolder.ts';
import { InUseError, lockFile } from '../nodeLock.ts';

/** Pause between two looks at a lock that another process holds, ms. */
const PAUSE = 100;
/**
 * As long as nothing comes of another's download, a process waits so long for it, ms: it may be
 * hashing what came.
 */
const PATIENCE = 300_000;

/**
 * Runs `download` under the lock at `path`, once nobody else holds it.
 * @param incomplete the file that a download of another process writes to.
 * @param onWait hears, while another process downloads, the bytes that are there.
 * @throws AccessError where the lock cannot be made, or its holder has long done nothing.
 */
export async function withDownloadLock<T>(
  path: string,
  incomplete: string,
  onWait: (received: number) => void,
  download: () => Promise<T>,
): Promise<T> {
  await makeFolder(dirname(path));
  const unlock = await waitForLock(path, incomplete, onWait);
  try {
    return await download();
  } finally {
    await unlock();
  }
}

async function waitForLock(
  path: string,
  incomplete: string,
  onWait: (received: number) => void,
): Promise<() => Promise<void>> {
  let seen = '';
  for (let since = performance.now(); ;) {
    try {
      // A lock that stays behind is taken over by the next process: nobody needs to hear of it.
      return await lockFile(path, () => undefined);
    } catch (error) {
      if (!(error instanceof InUseError)) throw error;
      const now = await stat(incomplete, { bigint: true }).catch(() => null);
      const state = `${error.owner} ${now?.ino} ${now?.size} ${now?.mtimeNs}`;
      if (state !== seen) [seen, since] = [state, performance.now()];
      if (performance.now() - since > PATIENCE) throw idle(path, error);
      onWait(Number(now?.size ?? 0));
      await new Promise((resolve) => void setTimeout(resolve, PAUSE));
    }
  }
}

function idle(path: string, cause: InUseError): AccessError {
  const minutes = PATIENCE / 60_000;
  return new AccessError(`${cause.owner} downloads this file, and nothing has come for ${minutes} minutes.`, {
    where: path,
    remedy: 'If no such process is running, remove this lock.',
    cause,
  });
}
