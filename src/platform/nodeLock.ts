import { open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { AccessError } from '../errors.ts';
import { accessError } from './nodeFile.ts';

/**
 * Keeps a second process out of a folder whose journal one already writes: two would mix their lines. A lock that a
 * killed process left behind is taken over.
 * @returns what releases it.
 * @throws AccessError while another process that is alive holds it.
 */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  const owner = `${process.pid} ${hostname()}`;
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(owner);
      await handle.close();
      return () => rm(path, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw accessError(path, cause);
      const [pid, host] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
      if (attempt > 0 || (host !== undefined && (host !== hostname() || isAlive(Number(pid))))) {
        throw new AccessError(`is in use by process ${pid} on ${host ?? 'this machine'}.`, {
          where: path,
          remedy: 'Wait for it, or use another --out; if no such run is going on, remove this file.',
          cause,
        });
      }
      await rm(path, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    // Signal 0 only asks; EPERM says that it is there and another user's.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
