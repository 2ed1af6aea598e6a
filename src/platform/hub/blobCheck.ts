/**
 * Whether a file of the cache has the bytes it should have. A blob is named after its hash: SHA-256
 * for large files, git's object hash (SHA-1) for small ones. Hashing a model takes seconds, so a
 * blob that proved right is noted, with size, inode and times, in `.checked/NAME` of its
 * repository, and hashed again only when one of these is another.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, realpath, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeFolder, writeFileWhole } from '../nodeFolder.ts';

/** Bytes that are hashed at a time. */
const PIECE = 1 << 22;

export interface FileHash {
  readonly kind: 'sha256' | 'git';
  readonly hex: string;
}

/** What a blob's name says of its bytes; null for a name that is not a hash we compute. */
export function hashOfName(name: string): FileHash | null {
  if (/^[0-9a-f]{64}$/.test(name)) return { kind: 'sha256', hex: name };
  return /^[0-9a-f]{40}$/.test(name) ? { kind: 'git', hex: name } : null;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: PIECE }), hash);
  return hash.digest('hex');
}

/** The bytes of an open file against a hash, as they lie on disk. */
export async function hasHash(handle: FileHandle, size: number, expected: FileHash): Promise<boolean> {
  const hash: Hash = expected.kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
  const piece = new Uint8Array(Math.min(PIECE, size));
  for (let done = 0; done < size;) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, size - done), done);
    if (bytesRead === 0) return false;
    hash.update(piece.subarray(0, bytesRead));
    done += bytesRead;
  }
  return hash.digest('hex') === expected.hex;
}

/** Whether two files have the same content; false where one cannot be read. */
export async function sameBytes(a: string, b: string): Promise<boolean> {
  try {
    const [left, right] = [await stat(a), await stat(b)];
    if (!left.isFile() || !right.isFile() || left.size !== right.size) return false;
    return (await sha256Of(a)) === (await sha256Of(b));
  } catch {
    return false;
  }
}

/**
 * Whether a file of a snapshot, or of the folder of blobs, has the bytes that its name among the
 * blobs promises. True where the name promises nothing, as for copies on systems without links;
 * false where the file cannot be read.
 */
export async function hasPromisedBytes(folder: string, name: string): Promise<boolean> {
  try {
    const blob = await realpath(join(folder, name));
    const expected = hashOfName(basename(blob));
    if (expected === null || basename(dirname(blob)) !== 'blobs') return true;
    const mark = markPath(blob);
    const now = await identityLine(blob);
    if ((await readFile(mark, 'utf8').catch(() => '')) === now) return true;
    const handle = await open(blob);
    try {
      const { size } = await handle.stat();
      if (!(await hasHash(handle, size, expected))) return false;
    } finally {
      await handle.close();
    }
    await noteChecked(blob, now);
    return true;
  } catch {
    return false;
  }
}

/** Notes that a blob was found right. Where nothing can be noted, it is hashed every time. */
export async function noteChecked(blob: string, identity?: string): Promise<void> {
  try {
    await makeFolder(dirname(markPath(blob)));
    await writeFileWhole(markPath(blob), identity ?? (await identityLine(blob)));
  } catch {
    // A cache that can only be read.
  }
}

function markPath(blob: string): string {
  return join(dirname(dirname(blob)), '.checked', basename(blob));
}

async function identityLine(blob: string): Promise<string> {
  const { size, ino, mtimeNs, ctimeNs } = await stat(blob, { bigint: true });
  return [size, ino, mtimeNs, ctimeNs].join(' ');
}
