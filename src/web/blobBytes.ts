import { AccessError, FileChangedError, FormatError } from '../errors.ts';
import type { ByteSource } from '../platform/byteSource.ts';

/**
 * A ByteSource over a Blob or File: what a file input or a drop gives. Only what is asked for is
 * read from disk. A browser refuses to read a file that has changed since it was chosen
 * (NotReadableError).
 */
export function blobBytes(name: string, blob: Blob): ByteSource {
  const { size } = blob;
  const modified = lastModified(blob);
  const changed = (cause?: unknown): FileChangedError => {
    return new FileChangedError('the file was changed or removed after it was chosen.', {
      where: name,
      remedy: 'Choose it again.',
      cause,
    });
  };
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'NotReadableError') throw changed(cause);
      throw new AccessError('cannot be read any more.', { where: name, remedy: 'Choose the file again.', cause });
    }
    if (bytes.length !== length || blob.size !== size || lastModified(blob) !== modified) throw changed();
    return bytes;
  };
  return {
    name,
    size,
    read(offset, length) {
      if (offset >= 0 && length >= 0 && offset + length <= size) return read(offset, length);
      return Promise.reject(
        new FormatError(`truncated: ${length} bytes at ${offset} lie outside its ${size} bytes.`, {
          where: name,
          remedy: 'Copy or download the file again.',
        }),
      );
    },
    async assertUnchanged() {
      // The last byte: where the file has become shorter, it is not there.
      await read(Math.max(0, size - 1), Math.min(1, size));
    },
    close: () => Promise.resolve(),
  };
}

/** When a file was last written to, ms since 1970; null for bytes that are no file. */
function lastModified(blob: Blob): number | null {
  return 'lastModified' in blob && typeof blob.lastModified === 'number' ? blob.lastModified : null;
}
