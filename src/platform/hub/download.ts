/**
 * One file from the hub into the cache. Bytes go to `blobs/ETAG.incomplete`, which gets its name only once size and
 * hash are right, so that neither a killed process nor a bad connection can leave a damaged file under a good name.
 * What an interrupted attempt has left is hashed and continued.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BlockprunerError, FormatError } from '../../errors.ts';
import { accessError } from '../nodeFile.ts';
import { sizeOf, type HubCache } from './cache.ts';
import type { HubClient, HubFile } from './client.ts';
import { InterruptedError } from './hubErrors.ts';
import type { DownloadProgress } from './settings.ts';

const ATTEMPTS = 4;
/** Pause before the second attempt, ms; it doubles. */
const PAUSE = 200;
/** Bytes of a leftover that are hashed at a time. */
const PIECE = 1 << 22;

/**
 * Makes `file` of `commit` present in the cache.
 * @throws InterruptedError after several attempts; FormatError when the bytes that come are not the file's.
 */
export async function downloadToCache(
  client: HubClient,
  cache: HubCache,
  commit: string,
  file: HubFile,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  const blob = cache.blobPath(file.etag);
  if ((await sizeOf(blob)) !== file.size) await fetchBlob(client, commit, file, blob, onProgress);
  await cache.link(file.etag, commit, file.name);
}

async function fetchBlob(
  client: HubClient,
  commit: string,
  file: HubFile,
  blob: string,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  const incomplete = `${blob}.incomplete`;
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(dirname(blob), { recursive: true });
      await receive(client, commit, file, incomplete, onProgress);
      await rename(incomplete, blob);
      return;
    } catch (error) {
      // Another process may have finished the same file meanwhile.
      if ((await sizeOf(blob)) === file.size) return;
      if (!(error instanceof BlockprunerError)) throw accessError(incomplete, error);
      const worthAnother = error instanceof InterruptedError || error instanceof FormatError;
      if (!worthAnother || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => void setTimeout(resolve, PAUSE * 2 ** (attempt - 1)));
    }
  }
}

/** One attempt: continues the incomplete file to its end and checks it. A file that proves wrong is removed. */
async function receive(
  client: HubClient,
  commit: string,
  file: HubFile,
  incomplete: string,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  // No O_TRUNC, as a leftover is of use, and no O_APPEND: two processes then write the same bytes to the same places.
  const handle = await open(incomplete, constants.O_RDWR | constants.O_CREAT, 0o666);
  let wrong: string | null = null;
  try {
    const hash = newHash(file);
    let received = await hashLeftover(handle, hash, file.size);
    for await (const bytes of client.bytes(commit, file, received)) {
      received += bytes.length;
      if (received > file.size) break;
      hash?.update(bytes);
      await writeAt(handle, bytes, received - bytes.length);
      onProgress({ file: file.name, received, total: file.size });
    }
    if (received < file.size) {
      throw new InterruptedError(`the download broke off after ${received} of ${file.size} bytes.`, {
        where: file.name,
        remedy: 'Run again; it goes on from there.',
      });
    }
    if (received > file.size) wrong = `more than its ${file.size} bytes came.`;
    else if (hash !== null && hash.digest('hex') !== file.hash?.hex) wrong = 'the bytes that came have another hash.';
    else await handle.sync();
  } finally {
    await handle.close();
  }
  if (wrong === null) return;
  await rm(incomplete, { force: true });
  throw new FormatError(wrong, {
    where: file.name,
    remedy: 'Try again; if it stays so, the hub or a proxy is at fault.',
  });
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Hashes what an earlier attempt has left; one that is longer than the file is worth nothing and cut to zero. */
async function hashLeftover(handle: FileHandle, hash: Hash | null, limit: number): Promise<number> {
  const { size } = await handle.stat();
  if (size > limit) await handle.truncate(0);
  if (size > limit) return 0;
  const piece = new Uint8Array(Math.min(PIECE, size));
  let done = 0;
  while (done < size) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, size - done), done);
    if (bytesRead === 0) break;
    hash?.update(piece.subarray(0, bytesRead));
    done += bytesRead;
  }
  return done;
}

/** SHA-256 of the bytes for large files, git's object hash for the others. */
function newHash(file: HubFile): Hash | null {
  if (file.hash === null) return null;
  if (file.hash.kind === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${file.size}\0`);
}
