/**
 * Reads the header of a safetensors file. Layout: a u64 (little-endian) with the header's length,
 * the header as a JSON object { name: { dtype, shape, data_offsets: [begin, end] } } with offsets
 * counted from the header's end, and the data, which the tensors cover without holes or overlaps.
 * `__metadata__` maps strings to strings.
 *
 * Source: the format description of the safetensors project; like its reference implementation this
 * parser refuses whatever the description does not allow.
 */
import { FormatError } from '../../errors.ts';
import type { ByteSource } from '../../platform/byteSource.ts';
import { FIRST_BYTES, foreignFile } from '../foreignFile.ts';
import { quoted, shortJson } from '../quoted.ts';
import { duplicateKey } from './duplicateKey.ts';
import { dtypeBits, safetensorsDtype, type SafetensorsDtype } from './dtypes.ts';

/** The reference implementation's limit on the header, 100 MB. */
const MAX_HEADER_BYTES = 100_000_000;
/** More axes than any real tensor has; keeps messages and memory bounded. */
const MAX_AXES = 64;

export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Where its bytes begin in the file. */
  readonly offset: number;
  /** How many there are. */
  readonly bytes: number;
}

export interface SafetensorsFile {
  readonly source: ByteSource;
  /** By name, in the order of the data. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  /** The strings of `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads and checks a file's header; no tensor data is read.
 * @throws FormatError naming what does not follow the format.
 */
export async function parseSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const header = await readHeader(source);
  const metadata = new Map<string, string>();
  const entries: [string, SafetensorsTensor][] = [];
  for (const [name, value] of Object.entries(header.json)) {
    if (name !== '__metadata__') {
      entries.push([name, tensorEntry(source, name, value, header.end)]);
      continue;
    }
    // Some writers put null there for none.
    if (value === null) continue;
    for (const [key, text] of Object.entries(record(source, value, '__metadata__'))) {
      if (typeof text !== 'string') throw bad(source, `__metadata__ entry ${quoted(key)} is not a string.`);
      metadata.set(key, text);
    }
  }
  entries.sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  checkCover(source, entries, header.end);
  return { source, tensors: new Map(entries), metadata };
}

async function readHeader(source: ByteSource): Promise<{ json: Record<string, unknown>; end: number }> {
  if (source.size < 8) throw bad(source, `has ${source.size} bytes, too few for a safetensors file.`);
  const first = await source.read(0, Math.min(FIRST_BYTES, source.size));
  const prefix = first.subarray(0, 8);
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(source.size - 8)) {
    const foreign = foreignFile(first, source.name);
    if (foreign !== null) throw foreign;
    throw bad(source, `claims a header of ${length} bytes, the file has ${source.size}.`);
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw bad(source, `claims a header of ${length} bytes, the limit is ${MAX_HEADER_BYTES}.`);
  }
  const bytes = await source.read(8, Number(length));
  if (bytes[0] !== 0x7b) throw bad(source, "its header does not begin with '{'.");
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    throw bad(source, 'its header is not valid JSON.', cause);
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw bad(source, `its header has the key ${quoted(twice)} twice.`);
  return { json: record(source, json, 'the header'), end: 8 + Number(length) };
}

function tensorEntry(source: ByteSource, name: string, value: unknown, dataStart: number): SafetensorsTensor {
  const what = `tensor ${quoted(name)}`;
  const { dtype, shape, data_offsets: offsets } = record(source, value, what);
  const known = typeof dtype === 'string' ? safetensorsDtype(dtype) : null;
  if (known === null) throw bad(source, `${what} has the unknown dtype ${shortJson(dtype)}.`);
  const sizes = wholeNumbers(shape);
  if (sizes === null || sizes.length > MAX_AXES) throw bad(source, `${what} has no valid shape.`);
  const bytes = byteSize(sizes, dtypeBits(known));
  if (bytes === null) throw bad(source, `${what} of shape [${sizes.join(', ')}] has an impossible size.`);
  const [begin, end, ...rest] = wholeNumbers(offsets) ?? [];
  if (begin === undefined || end === undefined || rest.length > 0 || begin > end || end > source.size - dataStart) {
    throw bad(source, `${what} has data_offsets outside the file's data.`);
  }
  if (end - begin !== bytes) {
    throw bad(
      source,
      `${what} of shape [${sizes.join(', ')}] needs ${bytes} bytes, its data_offsets span ${end - begin}.`,
    );
  }
  return { dtype: known, shape: sizes, offset: dataStart + begin, bytes };
}

/** Tensors, sorted by place, must follow each other from the data's first byte to its last. */
function checkCover(source: ByteSource, entries: readonly [string, SafetensorsTensor][], dataStart: number): void {
  let end = dataStart;
  for (const [name, tensor] of entries) {
    if (tensor.offset < end) throw bad(source, `tensor ${quoted(name)} overlaps the one before it.`);
    if (tensor.offset > end)
      throw bad(source, `there is a hole of ${tensor.offset - end} bytes before ${quoted(name)}.`);
    end = tensor.offset + tensor.bytes;
  }
  if (end !== source.size) throw bad(source, `${source.size - end} bytes after the last tensor belong to none.`);
}

/**
 * Bytes of a tensor; null when not a whole number of bytes or beyond 2⁵³ at any step, however a
 * zero axis ends it.
 */
function byteSize(shape: readonly number[], bits: number): number | null {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return null;
  }
  const total = count * bits;
  return Number.isSafeInteger(total) && total % 8 === 0 ? total / 8 : null;
}

function wholeNumbers(value: unknown): number[] | null {
  if (!Array.isArray(value)) return null;
  const valid = value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
  return valid ? (value as number[]) : null;
}

function record(source: ByteSource, value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw bad(source, `${what} is not a JSON object.`);
}

function bad(source: ByteSource, message: string, cause?: unknown): FormatError {
  return new FormatError(message, {
    where: source.name,
    remedy: 'The file is damaged or not a safetensors file; copy or download it again.',
    cause,
  });
}
