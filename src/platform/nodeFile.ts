import { constants } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { AccessError, FormatError, NotFoundError } from '../errors.ts';
import type { ByteSource } from './byteSource.ts';
import { assertSameContent, assertSameFile, identityOf, type FileIdentity } from './fileIdentity.ts';

/** Bytes read at a time: from 2 GiB on, Node ends the process. */
const MAX_READ = 1 << 30;

/**
 * Opens a file for random-access reading. From here on its content is held to be one: every read
 * checks it.
 * @throws NotFoundError when there is none, AccessError when it cannot be opened.
 */
export async function openFile(path: string): Promise<ByteSource> {
  let handle: FileHandle;
  try {
    // Not to wait for a writer where it is a pipe. Windows lacks the flag.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    throw accessError(path, cause);
  }
  try {
    if (!(await handle.stat()).isFile()) throw new AccessError('is not a regular file.', { where: path });
    return new NodeFile(path, await identityOf(handle), handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Turns a file-system failure into a typed error that names the path. */
export function accessError(path: string, cause: unknown): NotFoundError | AccessError {
  if (cause instanceof AccessError) return cause;
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return new NotFoundError('no such file or folder.', { where: path, cause });
  const reason = reasons[code ?? ''] ?? `cannot be accessed (${code ?? String(cause)}).`;
  return new AccessError(reason, { where: path, cause });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied.',
  EPERM: 'permission denied.',
  EEXIST: 'a file is in the way.',
  EISDIR: 'is a folder.',
  ENOTDIR: 'a part of the path is a file, not a folder.',
  ENOSPC: 'the disk is full.',
  EDQUOT: 'the disk quota is used up.',
  EROFS: 'the file system is read-only.',
  ENAMETOOLONG: 'the name is too long for the file system.',
  ELOOP: 'a link leads back to itself.',
  EFBIG: 'the file is larger than the file system allows.',
  EIO: 'the disk reports an error.',
  EMFILE: 'too many files are open.',
};

class NodeFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #identity: FileIdentity;
  readonly #handle: FileHandle;

  constructor(name: string, identity: FileIdentity, handle: FileHandle) {
    this.name = name;
    this.size = Number(identity.size);
    this.#identity = identity;
    this.#handle = handle;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw new FormatError(`truncated: ${length} bytes at ${offset} lie outside its ${this.size} bytes.`, {
        where: this.name,
        remedy: 'Copy or download the file again.',
      });
    }
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const piece = Math.min(length - done, MAX_READ);
      const { bytesRead } = await this.#handle.read(bytes, done, piece, offset + done).catch((cause: unknown) => {
        throw accessError(this.name, cause);
      });
      // After the read: a change that came before it, or during it, shows by now.
      assertSameContent(this.#handle, this.#identity, this.name);
      if (bytesRead === 0) throw new FormatError('ends before its size is reached.', { where: this.name });
      done += bytesRead;
    }
    return bytes;
  }

  async assertUnchanged(): Promise<void> {
    await assertSameFile(this.#handle, this.#identity, this.name);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/**
 * A whole file as UTF-8 text.
 * @throws NotFoundError, AccessError; FormatError for bytes that are not UTF-8.
 */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw accessError(path, cause);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError('is not UTF-8 text.', { where: path, cause });
  }
}
