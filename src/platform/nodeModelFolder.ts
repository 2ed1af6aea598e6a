import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ByteSource } from './byteSource.ts';
import type { Folder } from './folder.ts';
import { accessError, openFile } from './nodeFile.ts';

/**
 * A folder on disk. Links are followed, as a hub cache consists of them.
 * @throws NotFoundError, AccessError when it cannot be listed.
 */
export async function openFolder(path: string): Promise<Folder> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw accessError(path, cause);
  });
  return {
    name: path,
    files: new Set(entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name)),
    open: (file) => openFile(join(path, file)),
  };
}

/** What lies at a path, if anything that can be seen. */
export async function kindOfPath(path: string): Promise<'file' | 'folder' | null> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  return found.isDirectory() ? 'folder' : 'file';
}

/**
 * Where a file lies: its name, and how files beside it are opened; its folder need not be readable.
 */
export function besideFile(path: string): { file: string; open: (file: string) => Promise<ByteSource> } {
  return { file: basename(path), open: (file) => openFile(join(dirname(path), file)) };
}
