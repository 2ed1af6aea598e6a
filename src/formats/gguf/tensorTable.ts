/** The tensor infos of a GGUF header: read, checked, and turned into places in the file. */
import { FormatError } from '../../errors.ts';
import { quoted } from '../quoted.ts';
import { quantTypeOfId, storedBytes, type QuantType } from './quantTypes.ts';
import type { GgufReader } from './reader.ts';

export interface GgufTensor {
  readonly name: string;
  readonly type: QuantType;
  /** Sizes as stored: row length first. */
  readonly dims: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Fewest bytes of a tensor info: name length, dimensions, one size, type, offset. */
const MIN_INFO_BYTES = 8 + 4 + 8 + 4 + 8;
const MAX_DIMS = 4;

/** @throws FormatError when the file cannot hold so many. */
export function readTensorCount(reader: GgufReader): number {
  return reader.count('a tensor count', MIN_INFO_BYTES);
}

/**
 * One tensor info; its `offset` still counts from the start of the data.
 * @throws FormatError for an impossible shape, UnsupportedModelError for a type that we do not
 * decode.
 */
export function readTensorInfo(reader: GgufReader, file: string): GgufTensor {
  const name = reader.string();
  const where = place(file, name);
  const dimensions = reader.u32();
  if (dimensions < 1 || dimensions > MAX_DIMS) {
    throw new FormatError(`has ${dimensions} dimensions, expected 1 … ${MAX_DIMS}.`, { where });
  }
  const dims = Array.from({ length: dimensions }, () => reader.u64('a tensor size'));
  const type = quantTypeOfId(reader.u32(), where);
  const offset = reader.u64('a tensor offset');
  const elements = dims.reduce((product, size) => product * size, 1);
  if (elements === 0 || !Number.isSafeInteger(elements * type.blockBytes)) {
    throw new FormatError(`has the impossible shape [${dims.join(', ')}].`, { where });
  }
  if (dims[0] % type.blockElements !== 0) {
    throw new FormatError(`has rows of ${dims[0]}, no multiple of the ${type.blockElements} of ${type.name}.`, {
      where,
    });
  }
  return { name, type, dims, offset, bytes: storedBytes(type, elements) };
}

/**
 * Tensors by name, in the order of the header, with offsets from the start of the file.
 * @throws FormatError for a name given twice, data outside the file, or data that two tensors
 * share.
 */
export function placeTensors(
  infos: readonly GgufTensor[],
  alignment: number,
  dataOffset: number,
  file: { readonly name: string; readonly size: number },
): ReadonlyMap<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const info of infos) {
    const where = place(file.name, info.name);
    const offset = dataOffset + info.offset;
    if (tensors.has(info.name)) throw new FormatError('appears twice.', { where });
    if (info.offset % alignment !== 0) {
      throw new FormatError(`begins at byte ${info.offset} of the data, which is not aligned to ${alignment}.`, {
        where,
      });
    }
    if (offset + info.bytes > file.size) {
      throw new FormatError(`ends at byte ${offset + info.bytes}, but the file at byte ${file.size}.`, {
        where,
        remedy: 'The file is cut short; copy or download it again.',
      });
    }
    tensors.set(info.name, { ...info, offset });
  }
  let previous: GgufTensor | null = null;
  for (const tensor of [...tensors.values()].toSorted((a, b) => a.offset - b.offset)) {
    if (previous !== null && previous.offset + previous.bytes > tensor.offset) {
      throw new FormatError(`shares bytes with tensor ${quoted(previous.name)}.`, {
        where: place(file.name, tensor.name),
      });
    }
    previous = tensor;
  }
  return tensors;
}

function place(file: string, tensor: string): string {
  return `${file}: tensor ${quoted(tensor)}`;
}
