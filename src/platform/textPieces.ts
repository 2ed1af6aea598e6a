import { open, type FileHandle } from 'node:fs/promises';
import { FormatError } from '../errors.ts';
import { accessError } from './nodeFile.ts';

/** Bytes read at a time: a part of a second's tokenising. */
const PIECE = 1 << 16;

/**
 * A file's UTF-8 text, piece by piece, however large it is. A byte order mark is part of the text.
 * @throws NotFoundError, AccessError; FormatError for bytes that are not UTF-8, and says where, or
 * which other encoding they are.
 */
export async function* textPieces(path: string): AsyncGenerator<string, void> {
  const handle = await openText(path);
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const bytes = new Uint8Array(PIECE);
    for (let at = 0; ;) {
      const { bytesRead } = await handle.read(bytes, 0, PIECE, at).catch((cause: unknown) => {
        throw accessError(path, cause);
      });
      const piece = bytes.subarray(0, bytesRead);
      if (at === 0) refuseOtherEncodings(path, piece);
      let text: string;
      try {
        text = decoder.decode(piece, { stream: bytesRead > 0 });
      } catch (cause) {
        throw new FormatError(`is not UTF-8 text (bytes ${at} to ${at + bytesRead} are not).`, {
          where: path,
          remedy: 'Convert it: iconv -f ITS-ENCODING -t UTF-8.',
          cause,
        });
      }
      if (text !== '') yield text;
      if (bytesRead === 0) return;
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function openText(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (cause) {
    throw accessError(path, cause);
  }
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
