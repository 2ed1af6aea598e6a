import { AccessError, FormatError } from '../errors.ts';
import type { ByteSource } from '../platform/byteSource.ts';

/** A ByteSource over a Blob or File: what a file input or a drop gives. Only what is asked for is read from disk. */
export function blobBytes(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > blob.size) {
        throw new FormatError(`truncated: ${length} bytes at ${offset} lie outside its ${blob.size} bytes.`, {
          where: name,
          remedy: 'Copy or download the file again.',
        });
      }
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new AccessError('cannot be read any more.', { where: name, remedy: 'Choose the file again.', cause });
      }
    },
    close: () => Promise.resolve(),
  };
}
