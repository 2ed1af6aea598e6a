/** Files of one place that are written and read back, by the same run or by a later one. */
import { NotFoundError } from '../errors.ts';
import type { ByteSource } from './byteSource.ts';
import { memorySink, type OpenSink } from './fileSink.ts';
import { memoryBytes } from './memoryBytes.ts';

export interface Files {
  /** Name for messages: a path. */
  readonly name: string;
  /**
   * Opens a file by its name, which may begin with folders.
   * @throws NotFoundError when there is none, AccessError when it cannot be opened.
   */
  open(file: string): Promise<ByteSource>;
  /** Makes a file, or puts another in its place: whole or not at all. */
  readonly create: OpenSink;
  /** Does away with a file; nothing happens where there is none. @throws AccessError */
  remove(file: string): Promise<void>;
}

/** Files in memory: for a browser, for runs that keep nothing, and for specs. */
export function memoryFiles(name: string, files: Map<string, Uint8Array> = new Map()): Files {
  return {
    name,
    open(file) {
      const bytes = files.get(file);
      if (bytes !== undefined) return Promise.resolve(memoryBytes(`${name}/${file}`, bytes));
      return Promise.reject(new NotFoundError('no such file or folder.', { where: `${name}/${file}` }));
    },
    create: memorySink(files),
    remove(file) {
      files.delete(file);
      return Promise.resolve();
    },
  };
}
