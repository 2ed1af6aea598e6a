/**
 * The element types of safetensors, and how those a language model's weights come in become f32.
 */
import { UnsupportedModelError } from '../../errors.ts';
import { decodeBf16, decodeF16 } from '../../tensor/halfFloat.ts';

/** Bits an element takes, for every type the format names. */
const bits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type SafetensorsDtype = keyof typeof bits;

/** The type named `name`, or null when the format has none of that name. */
export function safetensorsDtype(name: string): SafetensorsDtype | null {
  return Object.hasOwn(bits, name) ? (name as SafetensorsDtype) : null;
}

export function dtypeBits(dtype: SafetensorsDtype): number {
  return bits[dtype];
}

/** Whether `decodeFloats` reads a type. */
export function isDecodable(dtype: SafetensorsDtype): boolean {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/**
 * Stored bytes (little-endian) as f32 values. `bytes` is the caller's own and may be lent to the
 * result.
 * @param where tensor and file, for the message.
 * @throws UnsupportedModelError for a type that is neither F32, F16 nor BF16.
 */
export function decodeFloats(dtype: SafetensorsDtype, bytes: Uint8Array, where: string): Float32Array {
  if (dtype === 'F32') return new Float32Array(aligned(bytes, 4), 0, bytes.length / 4);
  if (dtype !== 'F16' && dtype !== 'BF16') {
    throw new UnsupportedModelError(`dtype ${dtype} cannot be read as weights.`, {
      where,
      remedy: 'Save the model as F32, F16 or BF16.',
    });
  }
  const halves = new Uint16Array(aligned(bytes, 2), 0, bytes.length / 2);
  const out = new Float32Array(halves.length);
  if (dtype === 'F16') decodeF16(halves, out);
  else decodeBf16(halves, out);
  return out;
}

/** The buffer under `bytes` where a typed array can be laid on it from the start, else a copy. */
function aligned(bytes: Uint8Array, size: number): ArrayBuffer {
  const { buffer, byteOffset, length } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === length && length % size === 0) {
    return buffer;
  }
  return Uint8Array.from(bytes).buffer;
}
