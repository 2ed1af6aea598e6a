import { AccessError, FileChangedError, FormatError, NotFoundError } from '../errors.ts';
import type { ByteSource } from '../platform/byteSource.ts';
import { memoryBytes } from '../platform/memoryBytes.ts';

/**
 * A ByteSource over HTTP range requests. Every answer must carry the version and the size of the first one. The whole
 * file is taken at once and kept in memory where the server knows no ranges, or names no version (neither ETag nor
 * Last-Modified reaches the page): pieces could then come from two files.
 *
 * The version is compared here and not asked for with If-Range, which would need the server's leave across origins.
 * @throws NotFoundError, AccessError.
 */
export async function httpBytes(url: string): Promise<ByteSource> {
  const name = withoutQuery(url);
  const first = await request(url, name, { offset: 0, length: 1 });
  if (first.status === 200) return memoryBytes(name, new Uint8Array(await bodyOf(first, name)));
  // A range of an empty file cannot be had.
  if (first.status === 416) return memoryBytes(name, new Uint8Array());
  await bodyOf(first, name);
  const { size, version } = versionOf(first);
  if (size === null) {
    throw new AccessError('the server does not say how large the file is.', {
      where: name,
      remedy: 'It has to expose the header Content-Range to this page, or serve the file without ranges.',
    });
  }
  if (version === null) return memoryBytes(name, new Uint8Array(await bodyOf(await request(url, name, null), name)));
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const response = await request(url, name, { offset, length });
    const bytes = new Uint8Array(await bodyOf(response, name));
    const now = versionOf(response);
    // A file that has become shorter answers 416.
    if (response.status === 416 || (now.size ?? size) !== size || now.version !== version) {
      throw new FileChangedError('the file on the server was changed while it was in use.', {
        where: name,
        remedy: 'Open the model again.',
      });
    }
    if (response.status !== 206 || now.from !== offset || bytes.length !== length) {
      throw new AccessError(`the server did not send the ${length} bytes from ${offset} on.`, {
        where: name,
        remedy: 'Try again.',
      });
    }
    return bytes;
  };
  return {
    name,
    size,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size) {
        return Promise.reject(
          new FormatError(`truncated: ${length} bytes at ${offset} lie outside its ${size} bytes.`, {
            where: name,
            remedy: 'Download the file again.',
          }),
        );
      }
      return length === 0 ? Promise.resolve(new Uint8Array()) : read(offset, length);
    },
    async assertUnchanged() {
      await read(0, 1);
    },
    close: () => Promise.resolve(),
  };
}

/** What an answer says of the file it is a piece of; null for what it does not say. */
function versionOf({ headers }: Response): { from: number; size: number | null; version: string | null } {
  const [, from = NaN, total = NaN] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
  const [etag, modified] = [headers.get('etag'), headers.get('last-modified')];
  return {
    from: Number(from),
    size: Number.isSafeInteger(Number(total)) ? Number(total) : null,
    version: etag === null && modified === null ? null : `${etag} ${modified}`,
  };
}

/** Asks for a range, or for all; an answer without it that is no failure (416) is for the caller. */
async function request(url: string, name: string, range: { offset: number; length: number } | null): Promise<Response> {
  const headers: HeadersInit = {};
  if (range !== null) headers.range = `bytes=${range.offset}-${range.offset + range.length - 1}`;
  let response: Response;
  try {
    response = await fetch(url, { headers });
  } catch (cause) {
    const remedy = 'The server may be down, or not allow this page to read from it (CORS).';
    throw new AccessError('cannot be fetched.', { where: name, remedy, cause });
  }
  if (response.ok || (response.status === 416 && range !== null)) return response;
  const remedy = 'Check the address.';
  if (response.status === 404) throw new NotFoundError('there is no such file (404).', { where: name, remedy });
  throw new AccessError(`the server answered ${response.status}.`, { where: name, remedy });
}

async function bodyOf(response: Response, name: string): Promise<ArrayBuffer> {
  try {
    return await response.arrayBuffer();
  } catch (cause) {
    throw new AccessError('the connection broke off.', { where: name, remedy: 'Try again.', cause });
  }
}

/** What may stand in messages: a signed address carries its key in the query. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}
