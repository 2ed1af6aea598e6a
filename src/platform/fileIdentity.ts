/** Whether an open file is still the one that was opened, and still has the content it had then. */
import { fstatSync, type BigIntStats } from 'node:fs';
import { stat, type FileHandle } from 'node:fs/promises';
import { FileChangedError } from '../errors.ts';

/**
 * Systems note the time of a change in steps of a few milliseconds, so a change within one step of
 * the one before it would leave no mark. A file that was written to only just now is looked at
 * again after this pause, ms.
 */
const CLOCK_STEP = 20n;

/**
 * What a change of a file's content always changes: the file itself (device and inode), its size,
 * the time of its last write, or, where a copying program has set that time back, the time of its
 * last change of any kind.
 */
export type FileIdentity = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/** The identity of an open file, taken at a moment from which on every change shows. */
export async function identityOf(handle: FileHandle): Promise<FileIdentity> {
  const now = fstatSync(handle.fd, { bigint: true });
  const age = BigInt(Date.now()) - now.ctimeMs;
  if (age < 0n || age > CLOCK_STEP) return now;
  await new Promise((resolve) => void setTimeout(resolve, Number(CLOCK_STEP)));
  return fstatSync(handle.fd, { bigint: true });
}

/**
 * Asks the system about the open file, without waiting: a question of microseconds beside every
 * read.
 * @throws FileChangedError when its content may be another one.
 */
export function assertSameContent(handle: FileHandle, known: FileIdentity, path: string): void {
  if (!same(fstatSync(handle.fd, { bigint: true }), known)) throw changed(path);
}

/**
 * The same, and that the path still leads to the open file.
 * @throws FileChangedError also when the file was replaced, moved away or removed.
 */
export async function assertSameFile(handle: FileHandle, known: FileIdentity, path: string): Promise<void> {
  assertSameContent(handle, known, path);
  const there = await stat(path, { bigint: true }).catch(() => null);
  if (there === null || !same(there, known)) throw changed(path);
}

function same(a: FileIdentity, b: FileIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

function changed(path: string): FileChangedError {
  return new FileChangedError('the file was changed or replaced while it was in use.', {
    where: path,
    remedy: 'Run again when nothing writes to it any more.',
  });
}
