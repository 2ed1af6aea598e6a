import { FormatError } from '../errors.ts';
import type { Folder } from '../platform/folder.ts';

/** Far above any real config or index; a tokenizer.json of 250,000 tokens takes some 30 MB. */
const MAX_JSON_BYTES = 1 << 28;

/**
 * A JSON file of a folder.
 * @throws NotFoundError, AccessError; FormatError when it is no JSON in UTF-8, or larger than any such file is.
 */
export async function readJson(folder: Folder, file: string): Promise<unknown> {
  const source = await folder.open(file);
  try {
    if (source.size > MAX_JSON_BYTES) {
      throw new FormatError(`has ${source.size} bytes, more than any such file.`, { where: source.name });
    }
    const bytes = await source.read(0, source.size);
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
    } catch (cause) {
      throw new FormatError('is not valid JSON.', {
        where: source.name,
        remedy: 'Copy or download the file again.',
        cause,
      });
    }
  } finally {
    await source.close();
  }
}
