import { NotFoundError, UsageError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import type { Folder } from '../platform/folder.ts';
import { blobBytes } from './blobBytes.ts';
import { httpBytes } from './httpBytes.ts';
import type { WebFile } from './protocol.ts';

/**
 * Files of a model under the names they have in its folder.
 * @throws UsageError for two of one name.
 */
export function webFolder(name: string, files: readonly WebFile[]): Folder {
  const places = new Map(files.map((file) => [file.name, file.from]));
  if (places.size < files.length) throw new UsageError('two files have the same name.', { where: name });
  return {
    name,
    files: new Set(places.keys()),
    async open(file) {
      const from = places.get(file);
      if (from === undefined) throw new NotFoundError(`there is no file ${quoted(file)}.`, { where: name });
      return typeof from === 'string' ? httpBytes(from) : blobBytes(file, from);
    },
  };
}
