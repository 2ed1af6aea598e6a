/**
 * What a command may write to. Two rules hold for every command and by every spelling of a path:
 * nothing is written into a folder that holds what is read, and nothing that exists is replaced
 * unless an earlier run of the same command left it there, or the user said --force.
 */
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AccessError, NotFoundError, UsageError } from '../errors.ts';
import { hubSettings } from '../platform/hub/settings.ts';
import { accessError } from '../platform/nodeFile.ts';
import { markedFiles, type OutputKind } from './outputMarks.ts';

export interface OutputRequest {
  /** --out as the user wrote it, or the default. */
  folder: string;
  kind: OutputKind;
  /** Files and folders that the command reads; what is not there is passed over. */
  reads: readonly string[];
  /** Further names that are written, beside those of the kind. */
  alsoWrites?: readonly string[];
  force: boolean;
}

/**
 * Checks a folder before anything is computed or written. It need not exist.
 * @throws UsageError where it holds what is read; AccessError where something of another's would be
 * replaced, or a file
 *   or a dangling link is in its place.
 */
export async function checkOutput(request: OutputRequest): Promise<void> {
  const { folder, kind, alsoWrites = [] } = request;
  if (folder.trim() === '') throw new UsageError('is empty.', { where: '--out', remedy: 'Name a folder.' });
  const marks = markedFiles[kind];
  const names = [...new Set([...Object.keys(marks), ...alsoWrites])];
  const folders = [...new Set([folder, ...names.map((name) => dirname(join(folder, name)))])];
  for (const path of folders) {
    if (await isThere(path)) await checkApart(path, request.reads);
  }
  const existing: string[] = [];
  for (const name of names) if (await isThere(join(folder, name), 'file')) existing.push(name);
  if (request.force) return;
  await checkOurs(folder, kind, existing);
}

/** One file that is written by a name of the user's choice. */
export interface OutputFile {
  file: string;
  /** Whether a file that begins so may be replaced. */
  isOurs: (beginning: string) => boolean;
  /** What it is, for messages: `a report`. */
  what: string;
  /** Files that the command reads. */
  reads: readonly string[];
  force: boolean;
}

/**
 * Checks a file before it is written. It need not exist; its folder must.
 * @throws UsageError for a file that is read; NotFoundError without its folder; AccessError where
 * something of another's would be replaced, or a folder or a link is in its place.
 */
export async function checkOutputFile({ file, isOurs, what, reads, force }: OutputFile): Promise<void> {
  if (file.trim() === '') throw new UsageError('is empty.', { where: '--out', remedy: 'Name a file.' });
  if (!(await isThere(dirname(file)))) {
    throw new NotFoundError('there is no such folder.', {
      where: dirname(file),
      remedy: 'Make it, or give another --out.',
    });
  }
  if (!(await isThere(file, 'file'))) return;
  const own = await identity(file);
  for (const read of reads) {
    if ((await identity(read)) !== own) continue;
    throw new UsageError('is what this command reads.', { where: file, remedy: 'Give another --out.' });
  }
  if (force || isOurs(await beginning(file))) return;
  throw new AccessError(`is not ${what} and would be replaced.`, {
    where: file,
    remedy: 'Give another --out, or --force to replace it.',
  });
}

/** @throws AccessError for a dangling link, and for what is not a folder (or no file). */
async function isThere(path: string, wanted: 'file' | 'folder' = 'folder'): Promise<boolean> {
  const found = await lstat(path).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw accessError(path, cause);
  });
  if (found === null) return false;
  if (wanted === 'file') {
    if (found.isFile()) return true;
    const what = found.isSymbolicLink() ? 'a link' : found.isDirectory() ? 'a folder' : 'not a regular file';
    throw new AccessError(`is ${what}, where a file would be written.`, { where: path, remedy: 'Give another --out.' });
  }
  const target = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw accessError(path, cause);
    throw new AccessError('is a link to something that is not there.', { where: path, cause });
  });
  if (!target.isDirectory()) throw new AccessError('a file is in the way.', { where: path });
  return true;
}

/**
 * @throws UsageError where a folder is, by any name, one that holds what is read, or lies in the
 * hub's cache.
 */
async function checkApart(folder: string, reads: readonly string[]): Promise<void> {
  const own = await identity(folder);
  for (const read of reads) {
    for (const holder of await holders(read)) {
      if ((await identity(holder)) !== own) continue;
      throw new UsageError(`holds what this command reads (${read}), and nothing is written beside that.`, {
        where: folder,
        remedy: 'Give another --out.',
      });
    }
  }
  if (await liesIn(folder, hubSettings({}).cacheDir)) {
    throw new UsageError("lies in the hub's cache.", { where: folder, remedy: 'Give another --out.' });
  }
}

async function liesIn(folder: string, outer: string): Promise<boolean> {
  const wanted = await identity(outer);
  if (wanted === null) return false;
  for (let at = await realpath(folder); ; at = dirname(at)) {
    if ((await identity(at)) === wanted) return true;
    if (at === dirname(at)) return false;
  }
}

/**
 * The folders in which something that is read lies: a model's own, and those that its files are
 * links into.
 */
async function holders(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) return [];
  const files = found.isDirectory() ? (await readdir(path)).map((name) => join(path, name)) : [path];
  const real = await Promise.all(files.map((file) => realpath(file).catch(() => file)));
  return [...new Set([found.isDirectory() ? path : dirname(path), ...real.map((file) => dirname(file))])];
}

/**
 * What stays the same however a path is written: by links, `..`, or another case where the file
 * system has no cases.
 */
async function identity(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found === null ? null : `${found.dev} ${found.ino}`;
}

/** @throws AccessError naming the first file that no run of this kind has left. */
async function checkOurs(folder: string, kind: OutputKind, existing: readonly string[]): Promise<void> {
  let ours = false;
  const unmarked: string[] = [];
  for (const name of existing) {
    const mark = markedFiles[kind][name];
    if (mark === undefined || mark === null) unmarked.push(name);
    else if (mark(await beginning(join(folder, name)))) ours = true;
    else throw foreign(join(folder, name), kind);
  }
  if (!ours && unmarked.length > 0) throw foreign(join(folder, unmarked[0]), kind);
}

function foreign(path: string, kind: OutputKind): AccessError {
  return new AccessError(`was not written by \`${kind}\` and would be replaced.`, {
    where: path,
    remedy: 'Give another --out, or --force to replace it.',
  });
}

/** The first 64 KiB of a file, each byte a character. */
async function beginning(path: string): Promise<string> {
  const handle = await open(path).catch((cause: unknown) => {
    throw accessError(path, cause);
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2 ** 16), 0, 2 ** 16, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
