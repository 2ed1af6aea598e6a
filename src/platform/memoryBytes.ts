import { FormatError } from '../errors.ts';
import type { ByteSource } from './byteSource.ts';

/** A ByteSource over bytes in memory: specs, browser downloads. */
export function memoryBytes(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.length) {
        return Promise.reject(
          new FormatError(`truncated: ${length} bytes at ${offset} lie outside its ${bytes.length} bytes.`, {
            where: name,
          }),
        );
      }
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
    assertUnchanged: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
