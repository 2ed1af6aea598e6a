/** Files of a folder, each written under another name, synced, and renamed when it is whole. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NotFoundError } from '../errors.ts';
import type { FileSink, OpenSink } from './fileSink.ts';
import { accessError } from './nodeFile.ts';
import { makeFolder, temporaryName } from './nodeFolder.ts';

/**
 * @param folder which is there.
 * @returns sinks whose methods throw AccessError, or NotFoundError where the folder is gone, naming
 * the file.
 */
export function folderSink(folder: string): OpenSink {
  return async (file) => {
    const path = join(folder, file);
    if (dirname(path) !== join(folder)) await makeFolder(dirname(path));
    const unfinished = temporaryName(path);
    const handle = await open(unfinished, 'wx').catch((cause: unknown) => {
      throw writeError(path, cause);
    });
    const attempt = async (work: () => Promise<unknown>): Promise<void> => {
      try {
        await work();
      } catch (cause) {
        throw writeError(path, cause);
      }
    };
    const sink: FileSink = {
      write: (piece) => attempt(() => handle.writeFile(piece)),
      close: () =>
        attempt(async () => {
          await handle.sync();
          await handle.close();
          await rename(unfinished, path);
        }),
      async abort() {
        await handle.close().catch(() => undefined);
        await rm(unfinished, { force: true }).catch(() => undefined);
      },
    };
    return sink;
  };
}

function writeError(path: string, cause: unknown): Error {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') return accessError(path, cause);
  return new NotFoundError('cannot be written: its folder is not there, or not any more.', { where: path, cause });
}
