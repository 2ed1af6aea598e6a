/**
 * The header of a GGUF file: its metadata, and where each tensor lies. Tensor data is not read.
 *
 *   "GGUF" · u32 version · u64 tensor count · u64 key count
 *   per key:     string name · u32 type · value (valueTypes.ts)
 *   per tensor:  string name · u32 dimensions · u64 each, row length first · u32 type
 *                · u64 offset into the data
 *   padding to `general.alignment` (32 if absent) · data, every tensor aligned
 *
 * Versions 2 and 3 have this one layout; little-endian files only. Source: the GGUF description of
 * the ggml project.
 */
import type { BlockprunerError } from '../../errors.ts';
import type { ByteSource } from '../../platform/byteSource.ts';
import { foreignFile } from '../foreignFile.ts';
import { quoted } from '../quoted.ts';
import { readVersion } from './magic.ts';
import { GgufReader, NeedMoreBytes } from './reader.ts';
import { placeTensors, readTensorCount, readTensorInfo, type GgufTensor } from './tensorTable.ts';
import type { GgufType, GgufValue } from './valueTypes.ts';

export interface GgufFile {
  readonly name: string;
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** The stored type of each metadata value, for writing it back as it was. */
  readonly types: ReadonlyMap<string, GgufType>;
  /**
   * Keys with text that is not UTF-8: a description cut in a character, say. Whoever needs such a
   * text refuses it.
   */
  readonly notUtf8: ReadonlySet<string>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly alignment: number;
  /** Where tensor data starts. */
  readonly dataOffset: number;
}

const FIRST_WINDOW = 1 << 20;
/**
 * A vocabulary of a quarter of a million tokens with its merges takes some 10 MiB. In memory, the
 * smallest values take 20 times the bytes that they have in the file.
 */
const MAX_HEADER_BYTES = 1 << 26;
/** Fewest bytes of a key: name length, type, and a value of one byte. */
const MIN_KEY_BYTES = 8 + 4 + 1;
const MAX_ALIGNMENT = 1 << 20;

/**
 * Reads and checks a file's header, in windows that grow until it fits.
 * @throws FormatError for what is not a GGUF file or contradicts itself: sizes beyond the file,
 * names given twice, overlapping tensors, tensor names that are not UTF-8; UnsupportedModelError
 * for a tensor type that we do not decode, for a format or byte order that we do not read, and for
 * a file of another kind.
 */
export async function parseGguf(source: ByteSource): Promise<GgufFile> {
  for (let size = FIRST_WINDOW; ; size *= 4) {
    const window = await source.read(0, Math.min(size, source.size));
    const reader = new GgufReader(window, source.size, source.name);
    try {
      return parseHeader(reader, source, foreignFile(window, source.name));
    } catch (error) {
      if (!(error instanceof NeedMoreBytes)) throw error;
      if (size >= MAX_HEADER_BYTES) throw reader.fail(`its header is longer than ${MAX_HEADER_BYTES} bytes.`);
    }
  }
}

function parseHeader(reader: GgufReader, source: ByteSource, foreign: BlockprunerError | null): GgufFile {
  const version = readVersion(reader, source.name, foreign);
  const tensorCount = readTensorCount(reader);
  const keyCount = reader.count('a key count', MIN_KEY_BYTES);

  const metadata = new Map<string, GgufValue>();
  const types = new Map<string, GgufType>();
  const notUtf8 = new Set<string>();
  for (let i = 0; i < keyCount; i++) {
    const key = reader.key();
    if (metadata.has(key)) throw reader.fail(`key ${quoted(key)} appears twice.`);
    const { type, value, isText } = reader.value();
    if (!isText) notUtf8.add(key);
    metadata.set(key, value);
    types.set(key, type);
  }

  const infos: GgufTensor[] = [];
  for (let i = 0; i < tensorCount; i++) infos.push(readTensorInfo(reader, source.name));
  const alignment = alignmentOf(reader, metadata);
  const dataOffset = Math.ceil(reader.position / alignment) * alignment;
  const tensors = placeTensors(infos, alignment, dataOffset, source);
  return { name: source.name, version, metadata, types, notUtf8, tensors, alignment, dataOffset };
}

/** The format asks for a multiple of 8; ggml's own reader for a power of two. */
function alignmentOf(reader: GgufReader, metadata: ReadonlyMap<string, GgufValue>): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment === 'number' && alignment >= 8 && alignment <= MAX_ALIGNMENT) {
    if (Number.isInteger(Math.log2(alignment))) return alignment;
  }
  const shown = typeof alignment === 'number' ? alignment : 'no number';
  throw reader.fail(`general.alignment is ${shown}, expected a power of two from 8 to ${MAX_ALIGNMENT}.`);
}
