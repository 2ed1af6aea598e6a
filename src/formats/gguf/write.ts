/** Writes GGUF files, version 3; parse.ts tells the layout. */
import { ShapeError } from '../../errors.ts';
import { numel } from '../../tensor/shape.ts';
import { quoted } from '../quoted.ts';
import { storedBytes, type QuantType } from './quantTypes.ts';
import type { TypedValue } from './valueTypes.ts';
import { GgufWriter } from './writer.ts';

/** A tensor as it is to be stored. */
export interface GgufTensorToWrite {
  readonly type: QuantType;
  /** Row length first; one to four sizes. */
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

export interface GgufToWrite {
  readonly metadata: ReadonlyMap<string, TypedValue>;
  readonly tensors: ReadonlyMap<string, GgufTensorToWrite>;
}

/**
 * A whole GGUF file. Tensors keep the map's order; each begins, and the file ends, at a multiple of
 * `general.alignment` (32 where the metadata has no such key).
 * @throws ShapeError for a value that is not of its type, or bytes that do not fit a tensor's shape.
 */
export function serializeGguf({ metadata, tensors }: GgufToWrite): Uint8Array {
  const alignment = metadata.get('general.alignment')?.value ?? 32;
  if (typeof alignment !== 'number') throw new ShapeError('general.alignment is no number.');
  const padded = (size: number): number => Math.ceil(size / alignment) * alignment;

  const header = new GgufWriter();
  header.u32(0x46554747); // "GGUF"
  header.u32(3);
  header.u64(tensors.size);
  header.u64(metadata.size);
  for (const [key, value] of metadata) {
    header.string(key);
    header.value(value, key);
  }
  let offset = 0;
  for (const [name, { type, dims, bytes }] of tensors) {
    checkSize(name, { type, dims, bytes });
    header.string(name);
    header.u32(dims.length);
    for (const size of dims) header.u64(size);
    header.u32(type.id);
    header.u64(offset);
    offset += padded(bytes.length);
  }

  const head = header.finish();
  const dataOffset = padded(head.length);
  const file = new Uint8Array(dataOffset + offset);
  file.set(head);
  let at = dataOffset;
  for (const { bytes } of tensors.values()) {
    file.set(bytes, at);
    at += padded(bytes.length);
  }
  return file;
}

function checkSize(name: string, { type, dims, bytes }: GgufTensorToWrite): void {
  const needed = storedBytes(type, numel(dims));
  const fits = dims.length >= 1 && dims.length <= 4 && dims[0] % type.blockElements === 0 && needed === bytes.length;
  if (!fits || bytes.length === 0) {
    throw new ShapeError(`${type.name} [${dims.join(', ')}] and ${bytes.length} bytes do not fit.`, {
      where: `tensor ${quoted(name)}`,
    });
  }
}
