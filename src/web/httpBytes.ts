import { AccessError, FormatError, NotFoundError } from '../errors.ts';
import type { ByteSource } from '../platform/byteSource.ts';
import { memoryBytes } from '../platform/memoryBytes.ts';

/**
 * A ByteSource over HTTP range requests. A server that does not know ranges sends the whole file at once, which is then
 * kept in memory.
 * @throws NotFoundError, AccessError.
 */
export async function httpBytes(url: string): Promise<ByteSource> {
  const name = withoutQuery(url);
  const first = await request(url, name, 0, 1);
  if (first.status === 200) return memoryBytes(name, new Uint8Array(await bodyOf(first, name)));
  // A range of an empty file cannot be had.
  if (first.status === 416) return memoryBytes(name, new Uint8Array());
  const size = Number(/\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1] ?? NaN);
  await bodyOf(first, name);
  if (!Number.isSafeInteger(size)) {
    throw new AccessError('the server does not say how large the file is.', {
      where: name,
      remedy: 'It has to expose the header Content-Range to this page, or serve the file without ranges.',
    });
  }
  const version = first.headers.get('etag');
  return {
    name,
    size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size) {
        throw new FormatError(`truncated: ${length} bytes at ${offset} lie outside its ${size} bytes.`, {
          where: name,
          remedy: 'Download the file again.',
        });
      }
      if (length === 0) return new Uint8Array();
      const response = await request(url, name, offset, length);
      const bytes = new Uint8Array(await bodyOf(response, name));
      if (response.status !== 206 || bytes.length !== length || response.headers.get('etag') !== version) {
        throw new AccessError('changed while it was read.', { where: name, remedy: 'Open the model again.' });
      }
      return bytes;
    },
    close: () => Promise.resolve(),
  };
}

/** Asks for bytes; an answer without them that is no failure (416) is for the caller. */
async function request(url: string, name: string, offset: number, length: number): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { headers: { range: `bytes=${offset}-${offset + length - 1}` } });
  } catch (cause) {
    const remedy = 'The server may be down, or not allow this page to read from it (CORS).';
    throw new AccessError('cannot be fetched.', { where: name, remedy, cause });
  }
  if (response.ok || (response.status === 416 && offset === 0)) return response;
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
