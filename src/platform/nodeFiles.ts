import { join } from 'node:path';
import type { Files } from './files.ts';
import { openFile } from './nodeFile.ts';
import { folderSink } from './nodeFileSink.ts';

/** The files of a folder on disk, which is there before the first one is written. */
export function folderFiles(folder: string): Files {
  return { name: folder, open: (file) => openFile(join(folder, file)), create: folderSink(folder) };
}
