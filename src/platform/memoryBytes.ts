import { FormatError, NotFoundError } from '../errors.ts';
import type { ByteSource } from './byteSource.ts';
import type { Folder } from './folder.ts';

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

/** A folder whose files are in memory. */
export function memoryFolder(name: string, files: ReadonlyMap<string, Uint8Array>): Folder {
  return {
    name,
    files: new Set(files.keys()),
    open(file) {
      const bytes = files.get(file);
      if (bytes !== undefined) return Promise.resolve(memoryBytes(file, bytes));
      return Promise.reject(new NotFoundError('is not there.', { where: `${name}/${file}` }));
    },
  };
}
