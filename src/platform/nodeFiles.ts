import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Files } from './files.ts';
import { accessError, openFile } from './nodeFile.ts';
import { folderSink } from './nodeFileSink.ts';

/** The files of a folder on disk, which is there before the first one is written. */
export function folderFiles(folder: string): Files {
  return {
    name: folder,
    open: (file) => openFile(join(folder, file)),
    create: folderSink(folder),
    async remove(file) {
      const path = join(folder, file);
      await rm(path, { force: true }).catch((cause: unknown) => {
        throw accessError(path, cause);
      });
    },
  };
}
