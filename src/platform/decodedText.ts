/**
 * Bytes that come in pieces, as text: unpacked where the name ends in .gz, and decoded as UTF-8. It
 * uses what Node and browsers share.
 */
import { FormatError } from '../errors.ts';

/**
 * A file's UTF-8 text, piece by piece, however large it is. A byte order mark is part of the text.
 * @param name of the file, for messages; `.gz` at its end says that it is packed.
 * @param bytes the pieces; none is changed once it was given. Closed when no more is wanted.
 * @throws FormatError for bytes that are not UTF-8, saying where or which other encoding they are,
 * and for a .gz that is no whole gzip file; what `bytes` throws.
 */
export async function* decodedText(name: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let at = 0;
  const decode = (piece: Uint8Array | null): string => {
    try {
      return piece === null ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch (cause) {
      throw new FormatError(`is not UTF-8 text (bytes ${at} to ${at + (piece?.length ?? 0)} are not).`, {
        where: name,
        remedy: 'Convert it: iconv -f ITS-ENCODING -t UTF-8.',
        cause,
      });
    }
  };
  for await (const piece of /\.gz$/i.test(name) ? unpacked(name, bytes) : bytes) {
    if (at === 0) refuseOtherEncodings(name, piece);
    const text = decode(piece);
    if (text !== '') yield text;
    at += piece.length;
  }
  const rest = decode(null);
  if (rest !== '') yield rest;
}

/** What gzip has packed. */
async function* unpacked(name: string, packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const { readable, writable } = new DecompressionStream('gzip');
  const reader = readable.getReader();
  let failed: { error: unknown } | null = null;
  const feeding = feed(writable, packed).catch((error: unknown) => {
    failed ??= { error };
  });
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(async (cause: unknown) => {
        await feeding;
        // What went wrong with the file itself comes before what the stream says of it.
        throw failed?.error instanceof BadSource ? failed.error.cause : notGzip(name, cause);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
    await feeding;
  }
}

/** An error of the bytes' source, not of the stream that unpacks them. */
class BadSource extends Error {}

/** Writes pieces as fast as they are taken; ends when the other side does. */
async function feed(writable: WritableStream<BufferSource>, packed: AsyncIterable<Uint8Array>): Promise<void> {
  const writer = writable.getWriter();
  const pieces = packed[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await pieces.next().catch(async (cause: unknown) => {
        const failed = new BadSource('', { cause });
        await writer.abort(failed).catch(() => {});
        throw failed;
      });
      if (done === true) break;
      await writer.ready;
      await writer.write(new Uint8Array(value));
    }
    await writer.close();
  } finally {
    await pieces.return?.();
  }
}

function notGzip(name: string, cause: unknown): FormatError {
  return new FormatError('is not one whole gzip file: damaged, cut short, or several in one.', {
    where: name,
    remedy: 'Pack it again (gunzip -c FILE | gzip), or copy it again.',
    cause,
  });
}

/** Encodings that say what they are, or that show by their zeros. */
function refuseOtherEncodings(path: string, bytes: Uint8Array): void {
  const encoding = otherEncoding(bytes);
  if (encoding === null) return;
  throw new FormatError(`is ${encoding} text, not UTF-8.`, {
    where: path,
    remedy: `Convert it: iconv -f ${encoding} -t UTF-8.`,
  });
}

function otherEncoding(bytes: Uint8Array): string | null {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'UTF-32LE' : 'UTF-16LE';
  if (a === 0xfe && b === 0xff) return 'UTF-16BE';
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'UTF-32BE';
  // Without a mark: every other byte of Latin letters is zero.
  const head = bytes.subarray(0, Math.min(64, bytes.length - (bytes.length % 2)));
  if (head.length < 4) return null;
  const zeros = [0, 1].map((odd) => head.filter((byte, at) => at % 2 === odd && byte === 0).length);
  const half = head.length / 2;
  if (zeros[1] > 0.9 * half && zeros[0] === 0) return 'UTF-16LE';
  return zeros[0] > 0.9 * half && zeros[1] === 0 ? 'UTF-16BE' : null;
}
