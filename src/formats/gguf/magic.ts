/** The first eight bytes of a GGUF file, and what it is instead where they are others. */
import { UnsupportedModelError, type BlockprunerError } from '../../errors.ts';
import type { GgufReader } from './reader.ts';

const MAGIC = 0x46554747;

/**
 * Formats of the ggml project before GGUF (until August 2023), by their first four bytes as a
 * little-endian number.
 */
const before: ReadonlyMap<number, string> = new Map([
  [0x67676d6c, 'ggml'],
  [0x67676d66, 'ggmf'],
  [0x67676a74, 'ggjt'],
  [0x67676c61, 'ggla'],
]);

/**
 * Reads magic number and version; versions 2 and 3 have one layout.
 * @param where the file's name, for messages.
 * @param foreign what the file is, where it is known to be something else.
 * @throws FormatError for what is not a GGUF file; UnsupportedModelError for one of version 1, a
 * big-endian one, and the formats before GGUF: nothing is wrong with such a file.
 */
export function readVersion(reader: GgufReader, where: string, foreign: BlockprunerError | null = null): 2 | 3 {
  const magic = reader.u32();
  const old = before.get(magic);
  if (old !== undefined) {
    throw new UnsupportedModelError(`is in the format ${old}, which GGUF has replaced.`, {
      where,
      remedy: 'Use a GGUF file of the model.',
    });
  }
  if (magic !== MAGIC) throw foreign ?? reader.fail('does not begin with "GGUF".');
  const version = reader.u32();
  if (version === 2 || version === 3) return version;
  if (version === 1) {
    throw new UnsupportedModelError('is GGUF version 1, which only files from August 2023 use.', {
      where,
      remedy: 'Use a newer GGUF file of the model.',
    });
  }
  // Small numbers, with the bytes the other way round.
  if (version !== 0 && (version & 0xffff) === 0) {
    throw new UnsupportedModelError('is a big-endian GGUF file; only little-endian ones can be read.', {
      where,
      remedy: 'Convert it with gguf-convert-endian of the Python package gguf.',
    });
  }
  throw reader.fail(`is GGUF version ${version}, not 2 or 3.`);
}
