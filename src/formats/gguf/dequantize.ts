/**
 * Stored tensor bytes as f32. Little-endian, as the file is and as every host is that runs
 * JavaScript today.
 */
import { FormatError } from '../../errors.ts';
import { decodeBf16, decodeF16 } from '../../tensor/halfFloat.ts';
import { dequantizeQ2_K, dequantizeQ3_K, dequantizeQ4_K, dequantizeQ5_K, dequantizeQ6_K } from './kQuants.ts';
import {
  dequantizeQ4_0,
  dequantizeQ4_1,
  dequantizeQ5_0,
  dequantizeQ5_1,
  dequantizeQ8_0,
  type Dequantize,
} from './legacyQuants.ts';
import type { QuantName, QuantType } from './quantTypes.ts';

const decoders: Readonly<Record<QuantName, Dequantize>> = {
  F32: (bytes, out) => new Uint8Array(out.buffer, out.byteOffset, bytes.length).set(bytes),
  F16: (bytes, out) => decodeF16(halves(bytes), out),
  BF16: (bytes, out) => decodeBf16(halves(bytes), out),
  Q4_0: dequantizeQ4_0,
  Q4_1: dequantizeQ4_1,
  Q5_0: dequantizeQ5_0,
  Q5_1: dequantizeQ5_1,
  Q8_0: dequantizeQ8_0,
  Q2_K: dequantizeQ2_K,
  Q3_K: dequantizeQ3_K,
  Q4_K: dequantizeQ4_K,
  Q5_K: dequantizeQ5_K,
  Q6_K: dequantizeQ6_K,
};

/**
 * The values of whole blocks.
 * @param into where they go, if there is a place for them already; just as many as the bytes hold.
 * @throws FormatError when `bytes` is not a whole number of blocks.
 */
export function dequantize(type: QuantType, bytes: Uint8Array, into?: Float32Array): Float32Array {
  const blocks = bytes.length / type.blockBytes;
  if (!Number.isInteger(blocks)) {
    throw new FormatError(
      `${bytes.length} bytes are not a whole number of ${type.name}'s blocks of ${type.blockBytes}.`,
    );
  }
  const out = into ?? new Float32Array(blocks * type.blockElements);
  decoders[type.name](bytes, out);
  return out;
}

/** The bytes seen as 16-bit words; copied where they begin at an odd address. */
function halves(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(buffer, byteOffset, length / 2);
}
