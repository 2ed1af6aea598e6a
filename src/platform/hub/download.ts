/**
 * One file from the hub into the cache. Bytes go to `blobs/ETAG.incomplete`, which gets its name
 * only once size and hash are right, so that neither a killed process nor a bad connection can
 * leave a damaged file under a good name. What an interrupted attempt has left is continued.
 */
import { constants } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { BlockprunerError, FormatError } from '../../errors.ts';
import { accessError } from '../nodeFile.ts';
import { makeFolder } from '../nodeFolder.ts';
import { hasHash, hasPromisedBytes, noteChecked } from './blobCheck.ts';
import { sizeOf, type HubCache } from './cache.ts';
import type { HubClient, HubFile } from './client.ts';
import { withDownloadLock } from './downloadLock.ts';
import { InterruptedError } from './hubErrors.ts';
import type { DownloadProgress } from './settings.ts';

const ATTEMPTS = 4;
/** Pause before the second attempt, ms; it doubles. */
const PAUSE = 200;

/**
 * Makes `file` of `commit` present in the cache.
 * @throws InterruptedError after several attempts; FormatError when the bytes that come are not the
 * file's.
 */
export async function downloadToCache(
  client: HubClient,
  cache: HubCache,
  commit: string,
  file: HubFile,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  const blob = cache.blobPath(file.etag);
  if (!(await isRight(blob, file))) {
    const report = (received: number): void => onProgress({ file: file.name, received, total: file.size });
    await withDownloadLock(cache.downloadLockPath(file.etag), incompletePath(blob), report, () => {
      return fetchBlob(client, commit, file, blob, report);
    });
  }
  await cache.link(file.etag, commit, file.name);
}

/** Several attempts, unless the blob is there. */
async function fetchBlob(
  client: HubClient,
  commit: string,
  file: HubFile,
  blob: string,
  report: (received: number) => void,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    // Finished meanwhile by the process that held the lock.
    if (await isRight(blob, file)) return;
    try {
      await makeFolder(dirname(blob));
      await receive(client, commit, file, blob, report);
      return;
    } catch (error) {
      if (await isRight(blob, file)) return;
      if (!(error instanceof BlockprunerError)) throw accessError(incompletePath(blob), error);
      const worthAnother = error instanceof InterruptedError || error instanceof FormatError;
      if (!worthAnother || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => void setTimeout(resolve, PAUSE * 2 ** (attempt - 1)));
    }
  }
}

/**
 * One attempt: continues the incomplete file to its end, checks it as it lies on disk and gives it
 * its name. One that proves wrong is removed. Another program may write to the same file, as it
 * knows no lock of ours: what lies there in the end is checked, not what came.
 */
async function receive(
  client: HubClient,
  commit: string,
  file: HubFile,
  blob: string,
  report: (received: number) => void,
): Promise<void> {
  const incomplete = incompletePath(blob);
  // No O_TRUNC, as a leftover is of use, and no O_APPEND: another program then writes the same
  // bytes to the same places.
  const handle = await open(incomplete, constants.O_RDWR | constants.O_CREAT, 0o666);
  try {
    let received = await leftoverSize(handle, file.size);
    for await (const bytes of client.bytes(commit, file, received)) {
      received += bytes.length;
      if (received > file.size) break;
      await writeAt(handle, bytes, received - bytes.length);
      report(received);
    }
    if (received < file.size) {
      throw new InterruptedError(`the download broke off after ${received} of ${file.size} bytes.`, {
        where: file.name,
        remedy: 'Run again; it goes on from there.',
      });
    }
    const tooLong = received > file.size;
    if (tooLong || !(file.hash === null || (await hasHash(handle, file.size, file.hash)))) {
      for (const path of [incomplete, blob]) if (await isFileAt(handle, path)) await rm(path, { force: true });
      throw new FormatError(
        tooLong ? `more than its ${file.size} bytes came.` : 'the bytes that came have another hash.',
        { where: file.name, remedy: 'Try again; if it stays so, the hub or a proxy is at fault.' },
      );
    }
    await handle.sync();
    if (!(await isFileAt(handle, incomplete))) {
      throw new InterruptedError('another process is downloading it too and has started over.', { where: file.name });
    }
    // A good blob is never replaced: another process may have it open.
    if (await isRight(blob, file)) return await rm(incomplete, { force: true });
    await rename(incomplete, blob);
    await noteChecked(blob);
  } finally {
    await handle.close();
  }
}

/**
 * Whether a blob is there with the bytes it should have; one of another size or content is
 * replaced.
 */
async function isRight(blob: string, { size }: HubFile): Promise<boolean> {
  return (await sizeOf(blob)) === size && (await hasPromisedBytes(dirname(blob), basename(blob)));
}

function incompletePath(blob: string): string {
  return `${blob}.incomplete`;
}

/** Whether a path leads to the open file. */
async function isFileAt(handle: FileHandle, path: string): Promise<boolean> {
  const [ours, there] = await Promise.all([
    handle.stat({ bigint: true }),
    stat(path, { bigint: true }).catch(() => null),
  ]);
  return there !== null && ours.ino === there.ino && ours.dev === there.dev;
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Bytes an earlier attempt has left; more than the file has are worth nothing and cut off. */
async function leftoverSize(handle: FileHandle, limit: number): Promise<number> {
  const { size } = await handle.stat();
  if (size <= limit) return size;
  await handle.truncate(0);
  return 0;
}
