import { ShapeError } from '../../errors.ts';
import { encodeFloats } from '../../tensor/halfFloat.ts';
import { numel } from '../../tensor/shape.ts';

/** What the header says of a tensor. */
export interface TensorHeader {
  shape: readonly number[];
  dtype: 'F32' | 'F16' | 'BF16';
}

/** A tensor to be written: f32 values and the type to store them as. */
export interface TensorToWrite extends TensorHeader {
  data: Float32Array;
}

/** What Hugging Face's loaders want to see: that the tensors were laid out as PyTorch does. */
const pytorchFormat: ReadonlyMap<string, string> = new Map([['format', 'pt']]);

/**
 * A safetensors file without holes. The header is padded with spaces to a multiple of eight bytes
 * and F32 tensors come before 16-bit ones, so that every tensor lies aligned in the file; else the
 * map's order is kept. F16 and BF16 round to nearest, ties to even.
 * @throws ShapeError when a tensor's values do not fit its shape, or one is named `__metadata__`.
 */
export function serializeSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: ReadonlyMap<string, string> = pytorchFormat,
): Uint8Array {
  const { order, header, bytes } = layOut(tensors, metadata);
  const file = new Uint8Array(header.length + bytes);
  file.set(header);
  let at = header.length;
  for (const [name, tensor] of order) {
    const part = encode(name, tensor, tensor.data);
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/**
 * The same file in pieces: `dataOf` gives a tensor's values when its turn comes, and they are
 * written before the next ones are asked for.
 * @throws ShapeError as `serializeSafetensors`, and what `dataOf` throws.
 */
export async function* streamSafetensors(
  tensors: ReadonlyMap<string, TensorHeader>,
  dataOf: (name: string) => Promise<Float32Array>,
): AsyncGenerator<Uint8Array, void> {
  const { order, header } = layOut(tensors, pytorchFormat);
  yield header;
  for (const [name, tensor] of order) yield encode(name, tensor, await dataOf(name));
}

/**
 * The order of the tensors, everything before the first one's bytes, and how many bytes they have.
 */
function layOut<T extends TensorHeader>(
  tensors: ReadonlyMap<string, T>,
  metadata: ReadonlyMap<string, string>,
): { order: [string, T][]; header: Uint8Array; bytes: number } {
  const fields: [string, unknown][] = metadata.size === 0 ? [] : [['__metadata__', Object.fromEntries(metadata)]];
  const order = [...tensors].sort(([, a], [, b]) => Number(b.dtype === 'F32') - Number(a.dtype === 'F32'));
  let end = 0;
  for (const [name, { shape, dtype }] of order) {
    if (name === '__metadata__') throw new ShapeError("a tensor cannot be named '__metadata__'.");
    const start = end;
    end += numel(shape) * (dtype === 'F32' ? 4 : 2);
    fields.push([name, { dtype, shape, data_offsets: [start, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return { order, header, bytes: end };
}

function encode(name: string, { shape, dtype }: TensorHeader, data: Float32Array): Uint8Array {
  if (numel(shape) !== data.length) {
    throw new ShapeError(`shape [${shape.join(', ')}] needs ${numel(shape)} values, there are ${data.length}.`, {
      where: name,
    });
  }
  return encodeFloats(dtype, data);
}
