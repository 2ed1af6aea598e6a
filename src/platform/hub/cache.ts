/**
 * One repository in the cache that Hugging Face's tools share:
 *
 *   models--owner--name/refs/main                    the commit a branch was at
 *   models--owner--name/snapshots/COMMIT/config.json → ../../blobs/ETAG
 *   models--owner--name/blobs/ETAG                   a file's bytes, once for all commits
 *   models--owner--name/.no_exist/COMMIT/FILE        empty: the commit is known not to have FILE
 *   models--owner--name/.checked/ETAG                ours: the blob's bytes were checked
 *   models--owner--name/.downloading/ETAG            ours: lock of the process downloading it
 */
import { copyFile, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Folder } from '../folder.ts';
import { accessError } from '../nodeFile.ts';
import { makeFolder, temporaryName, writeFileWhole } from '../nodeFolder.ts';
import { openFolder } from '../nodeModelFolder.ts';
import { sameBytes } from './blobCheck.ts';

const COMMIT = /^[0-9a-f]{40}$/;

export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

export class HubCache {
  readonly folder: string;

  constructor(cacheDir: string, repo: string) {
    this.folder = join(cacheDir, `models--${repo.replace('/', '--')}`);
  }

  /** The commit a revision stands for, as far as the cache knows. */
  async commitOf(revision: string): Promise<string | null> {
    if (isCommit(revision)) return revision;
    const text = await readFile(join(this.folder, 'refs', revision), 'utf8').catch(() => '');
    return isCommit(text.trim()) ? text.trim() : null;
  }

  async rememberCommit(revision: string, commit: string): Promise<void> {
    if (isCommit(revision)) return;
    await this.#write(join(this.folder, 'refs', revision), commit);
  }

  snapshotPath(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  blobPath(etag: string): string {
    return join(this.folder, 'blobs', etag);
  }

  /** The lock of whoever downloads a blob. */
  downloadLockPath(etag: string): string {
    return join(this.folder, '.downloading', etag);
  }

  /** The files of a commit that are cached; null when none is. */
  async snapshot(commit: string): Promise<Folder | null> {
    return openFolder(this.snapshotPath(commit)).catch(() => null);
  }

  async isKnownAbsent(commit: string, file: string): Promise<boolean> {
    return (await sizeOf(join(this.folder, '.no_exist', commit, file))) !== null;
  }

  async rememberAbsent(commit: string, file: string): Promise<void> {
    await this.#write(join(this.folder, '.no_exist', commit, file), '');
  }

  /**
   * Makes a blob visible as a file of a commit; a copy where the system allows no links. What is
   * right already stays: another process may have it open.
   */
  async link(etag: string, commit: string, file: string): Promise<void> {
    const path = join(this.snapshotPath(commit), file);
    const blob = this.blobPath(etag);
    const unfinished = temporaryName(path);
    try {
      if (await hasBytesOf(path, blob)) return;
      await makeFolder(dirname(path));
      await symlink(relative(dirname(path), blob), unfinished).catch(() => copyFile(blob, unfinished));
      // Replaced in one step: another process may be about to open what is there.
      await rename(unfinished, path);
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw accessError(path, cause);
    }
  }

  async #write(path: string, text: string): Promise<void> {
    await makeFolder(dirname(path));
    await writeFileWhole(path, text);
  }
}

/** A file's size, links followed; null when there is none. */
export async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.size ?? null;
}

/** Whether a path leads to a blob, or to a copy of it. */
async function hasBytesOf(path: string, blob: string): Promise<boolean> {
  const found = await Promise.all([realpath(path), realpath(blob)]).catch(() => null);
  return found !== null && (found[0] === found[1] || (await sameBytes(found[0], found[1])));
}
