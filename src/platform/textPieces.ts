import { open, type FileHandle } from 'node:fs/promises';
import { decodedText } from './decodedText.ts';
import { accessError } from './nodeFile.ts';

/** Bytes read at a time: a part of a second's tokenising. */
const PIECE = 1 << 16;

/**
 * A file's text, piece by piece, however large it is; a .gz is unpacked on the way.
 * @throws NotFoundError, AccessError; FormatError as `decodedText`.
 */
export function textPieces(path: string): AsyncGenerator<string, void> {
  return decodedText(path, bytePieces(path));
}

async function* bytePieces(path: string): AsyncGenerator<Uint8Array, void> {
  const handle = await openText(path);
  try {
    for (let at = 0; ;) {
      const bytes = new Uint8Array(PIECE);
      const { bytesRead } = await handle.read(bytes, 0, PIECE, at).catch((cause: unknown) => {
        throw accessError(path, cause);
      });
      if (bytesRead === 0) return;
      yield bytes.subarray(0, bytesRead);
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
