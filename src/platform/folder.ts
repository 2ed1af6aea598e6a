import type { ByteSource } from './byteSource.ts';

/**
 * A folder of a model's files: what the readers of Hugging Face folders open files from, on disk or
 * elsewhere.
 */
export interface Folder {
  /** Name for messages: a path. */
  readonly name: string;
  /** Names of the files that lie directly in it. */
  readonly files: ReadonlySet<string>;
  /** @throws NotFoundError when there is no such file, AccessError when it cannot be opened. */
  open(file: string): Promise<ByteSource>;
}
