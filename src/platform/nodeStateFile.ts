import { open, rename, rm } from 'node:fs/promises';
import { NotFoundError } from '../errors.ts';
import { accessError, openFile } from './nodeFile.ts';
import type { StateFile } from './stateFile.ts';

/** A state file on disk: written under another name, then renamed. */
export function nodeStateFile(path: string): StateFile {
  const unfinished = `${path}.tmp`;
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw accessError(path, cause);
    }
  };
  return {
    name: path,
    write: (pieces) =>
      attempt(async () => {
        const handle = await open(unfinished, 'w');
        try {
          for await (const piece of pieces) await handle.writeFile(piece);
        } finally {
          await handle.close();
        }
        await rename(unfinished, path);
      }),
    async open() {
      try {
        return await openFile(path);
      } catch (error) {
        if (error instanceof NotFoundError) return null;
        throw error;
      }
    },
    remove: () =>
      attempt(async () => {
        await rm(unfinished, { force: true });
        await rm(path, { force: true });
      }),
  };
}
