import { FormatError } from '../errors.ts';
import type { Folder } from '../platform/folder.ts';
import { foreignFile } from './foreignFile.ts';

/** Far above any real config or index; a tokenizer.json of 250,000 tokens takes some 30 MB. */
const MAX_JSON_BYTES = 1 << 28;

/**
 * A JSON file of a folder.
 * @throws NotFoundError, AccessError; FormatError when it is not JSON in UTF-8, or larger than any
 * such file is; UnsupportedModelError for a Git LFS pointer.
 */
export async function readJson(folder: Folder, file: string): Promise<unknown> {
  const source = await folder.open(file);
  try {
    if (source.size > MAX_JSON_BYTES) {
      throw new FormatError(`has ${source.size} bytes, more than any such file.`, { where: source.name });
    }
    const bytes = await source.read(0, source.size);
    try {
      return parseLenient(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (cause) {
      const foreign = foreignFile(bytes, source.name);
      if (foreign !== null) throw foreign;
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

/**
 * JSON, and what Python's json module writes beside it: Infinity, -Infinity and NaN. An infinite
 * number stays one, a NaN becomes the text "NaN", which no field that we read accepts.
 */
function parseLenient(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return JSON.parse(text.replaceAll(pythonNumbers, (part) => replacements[part] ?? part)) as unknown;
  }
}

/** Strings as a whole, so that nothing is replaced in them, and the numbers. */
const pythonNumbers = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/gs;

const replacements: Readonly<Record<string, string>> = { Infinity: '1e999', '-Infinity': '-1e999', NaN: '"NaN"' };
