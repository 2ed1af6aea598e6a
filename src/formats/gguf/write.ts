/** Writes GGUF files, version 3; parse.ts tells the layout. */
import { ShapeError } from '../../errors.ts';
import { numel } from '../../tensor/shape.ts';
import { quoted } from '../quoted.ts';
import { storedBytes, type QuantType } from './quantTypes.ts';
import type { TypedValue } from './valueTypes.ts';
import { GgufWriter } from './writer.ts';

/** What the header says of a tensor. */
export interface GgufTensorShape {
  readonly type: QuantType;
  /** Row length first; one to four sizes. */
  readonly dims: readonly number[];
}

/** A tensor as it is to be stored. */
export interface GgufTensorToWrite extends GgufTensorShape {
  readonly bytes: Uint8Array;
}

/** Tensors keep the map's order. */
export interface GgufToWrite<T extends GgufTensorShape = GgufTensorToWrite> {
  readonly metadata: ReadonlyMap<string, TypedValue>;
  readonly tensors: ReadonlyMap<string, T>;
}

/**
 * A whole GGUF file. Each tensor begins, and the file ends, at a multiple of `general.alignment`
 * (32 where the metadata has no such key).
 * @throws ShapeError for a value that is not of its type, or bytes that do not fit a tensor's
 * shape.
 */
export function serializeGguf(model: GgufToWrite): Uint8Array {
  const alignment = alignmentOf(model);
  const header = serializeHeader(model, alignment);
  for (const [name, tensor] of model.tensors) checkSize(name, tensor, tensor.bytes.length);
  const sizes = [...model.tensors.values()].map(({ bytes }) => padded(bytes.length, alignment));
  const file = new Uint8Array(sizes.reduce((sum, size) => sum + size, header.length));
  file.set(header);
  let at = header.length;
  for (const { bytes } of model.tensors.values()) {
    file.set(bytes, at);
    at += padded(bytes.length, alignment);
  }
  return file;
}

/**
 * The same file in pieces, for a model that is larger than memory: `piecesOf` gives a tensor's
 * bytes when its turn comes, cut in any way. A file that ended in an error is incomplete.
 * @throws ShapeError as `serializeGguf`.
 */
export async function* streamGguf(
  model: GgufToWrite<GgufTensorShape>,
  piecesOf: (name: string) => Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const alignment = alignmentOf(model);
  yield serializeHeader(model, alignment);
  for (const [name, tensor] of model.tensors) {
    let length = 0;
    for await (const piece of piecesOf(name)) {
      length += piece.length;
      yield piece;
    }
    checkSize(name, tensor, length);
    yield new Uint8Array(padded(length, alignment) - length);
  }
}

function alignmentOf({ metadata }: GgufToWrite<GgufTensorShape>): number {
  const alignment = metadata.get('general.alignment')?.value ?? 32;
  if (typeof alignment !== 'number') throw new ShapeError('general.alignment is not a number.');
  return alignment;
}

function padded(size: number, alignment: number): number {
  return Math.ceil(size / alignment) * alignment;
}

/** Everything before the first tensor's bytes, padding included. */
function serializeHeader({ metadata, tensors }: GgufToWrite<GgufTensorShape>, alignment: number): Uint8Array {
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
  for (const [name, { type, dims }] of tensors) {
    const bytes = storedBytes(type, numel(dims));
    checkSize(name, { type, dims }, bytes);
    header.string(name);
    header.u32(dims.length);
    for (const size of dims) header.u64(size);
    header.u32(type.id);
    header.u64(offset);
    offset += padded(bytes, alignment);
  }
  const written = header.finish();
  const head = new Uint8Array(padded(written.length, alignment));
  head.set(written);
  return head;
}

function checkSize(name: string, { type, dims }: GgufTensorShape, bytes: number): void {
  const needed = storedBytes(type, numel(dims));
  const fits = dims.length >= 1 && dims.length <= 4 && dims[0] % type.blockElements === 0 && needed === bytes;
  if (!fits || bytes === 0) {
    throw new ShapeError(`${type.name} [${dims.join(', ')}] and ${bytes} bytes do not fit.`, {
      where: `tensor ${quoted(name)}`,
    });
  }
}
