import { AccessError, FileChangedError, FormatError } from '../errors.ts';
import type { ByteSource } from '../platform/byteSource.ts';
import { memoryBytes } from '../platform/memoryBytes.ts';
import { request, type Answer, type RequestOptions } from './httpRequest.ts';

/**
 * A ByteSource over HTTP range requests. Every answer must carry the version and the size of the
 * first one. The whole file is taken at once and kept in memory where the server knows no ranges,
 * or names no version (neither ETag nor Last-Modified reaches the page): pieces could then come
 * from two files. So it is where the request for a range fails as a whole: some servers compress
 * the answer though a browser asks for ranges as they are, or do not let other origins' pages ask
 * for them.
 *
 * The version is compared here and not asked for with If-Range, which would need the server's leave
 * across origins.
 * @param pause waits between the tries of a request, for specs.
 * @throws NotFoundError, AccessError.
 */
export async function httpBytes(url: string, pause: RequestOptions['pause'] = wait): Promise<ByteSource> {
  const name = withoutQuery(url);
  const whole = (): Promise<Answer> => request(url, { name, range: null, persistent: false, pause });
  const first = await request(url, { name, range: { offset: 0, length: 1 }, persistent: false, pause }).catch(
    (error: unknown) => {
      if (error instanceof AccessError && error.cause instanceof TypeError) return whole();
      throw error;
    },
  );
  if (first.status === 200) return memoryBytes(name, first.bytes);
  // A range of an empty file cannot be had.
  if (first.status === 416) return memoryBytes(name, new Uint8Array());
  const { size, version } = versionOf(first);
  if (size === null) {
    throw new AccessError('the server does not say how large the file is.', {
      where: name,
      remedy: 'It has to expose the header Content-Range to this page, or serve the file without ranges.',
    });
  }
  if (version === null) return memoryBytes(name, (await whole()).bytes);
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const response = await request(url, { name, range: { offset, length }, persistent: true, pause });
    const { bytes } = response;
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
function versionOf({ headers }: Answer): { from: number; size: number | null; version: string | null } {
  const [, from = NaN, total = NaN] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
  const [etag, modified] = [headers.get('etag'), headers.get('last-modified')];
  return {
    from: Number(from),
    size: Number.isSafeInteger(Number(total)) ? Number(total) : null,
    version: etag === null && modified === null ? null : `${etag} ${modified}`,
  };
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What may stand in messages: a signed address carries its key in the query. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}
