import { ShapeError } from '../../errors.ts';
import { encodeBf16, encodeF16 } from '../../tensor/halfFloat.ts';
import { numel } from '../../tensor/shape.ts';

/** A tensor to be written: f32 values and the type to store them as. */
export interface TensorToWrite {
  shape: readonly number[];
  dtype: 'F32' | 'F16' | 'BF16';
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
  const header: [string, unknown][] = metadata.size === 0 ? [] : [['__metadata__', Object.fromEntries(metadata)]];
  const parts: Uint8Array[] = [];
  let end = 0;
  const wideFirst = [...tensors].sort(([, a], [, b]) => Number(b.dtype === 'F32') - Number(a.dtype === 'F32'));
  for (const [name, { shape, dtype, data }] of wideFirst) {
    if (name === '__metadata__') throw new ShapeError("a tensor cannot be named '__metadata__'.");
    if (numel(shape) !== data.length) {
      throw new ShapeError(`shape [${shape.join(', ')}] needs ${numel(shape)} values, there are ${data.length}.`, {
        where: name,
      });
    }
    const bytes = encode(dtype, data);
    header.push([name, { dtype, shape, data_offsets: [end, end + bytes.length] }]);
    parts.push(bytes);
    end += bytes.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + end).fill(0x20, 8, 8 + headerLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(json, 8);
  let at = 8 + headerLength;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function encode(dtype: TensorToWrite['dtype'], data: Float32Array): Uint8Array {
  const stored = dtype === 'F32' ? data : dtype === 'F16' ? encodeF16(data) : encodeBf16(data);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
