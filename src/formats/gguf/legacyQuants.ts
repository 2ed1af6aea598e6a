/**
 * The quantisations with blocks of 32 elements: one or two F16 numbers a block, a small integer an
 * element.
 *
 *         byte 0     2        4        6        8
 *   Q8_0  | d  | q: 32 × i8                            ‥ 34 |   x = q·d
 *   Q4_0  | d  | q: 16 × (high, low nibble)            ‥ 18 |   x = (q − 8)·d
 *   Q4_1  | d  | m      | q: 16 × nibbles              ‥ 20 |   x = q·d + m
 *   Q5_0  | d  | h: u32          | q: 16 × nibbles     ‥ 22 |   x = (q + 16·h − 16)·d
 *   Q5_1  | d  | m      | h: u32          | q: 16 × n. ‥ 24 |   x = (q + 16·h)·d + m
 *
 * Low nibbles are elements 0 … 15, high ones 16 … 31; bit k of h belongs to element k. Each product
 * and each sum is rounded to f32 on its own (a store into `out` rounds too), so values equal those
 * of ggml's C to the bit. Source: ggml's block structs, as described in the GGUF documentation.
 */
import { f16ToF32 } from '../../tensor/halfFloat.ts';

/** Decodes the whole blocks of `bytes` into `out`, which has just the room. */
export type Dequantize = (bytes: Uint8Array, out: Float32Array) => void;

const { fround } = Math;

export const dequantizeQ8_0: Dequantize = (bytes, out) => {
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0, o = 0; at < bytes.length; at += 34, o += 32) {
    const d = f16At(bytes, at);
    for (let i = 0; i < 32; i++) out[o + i] = signed[at + 2 + i] * d;
  }
};

export const dequantizeQ4_0: Dequantize = (bytes, out) => {
  for (let at = 0, o = 0; at < bytes.length; at += 18, o += 32) {
    const d = f16At(bytes, at);
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + 2 + i];
      out[o + i] = ((byte & 15) - 8) * d;
      out[o + 16 + i] = ((byte >> 4) - 8) * d;
    }
  }
};

export const dequantizeQ4_1: Dequantize = (bytes, out) => {
  for (let at = 0, o = 0; at < bytes.length; at += 20, o += 32) {
    const d = f16At(bytes, at);
    const m = f16At(bytes, at + 2);
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + 4 + i];
      out[o + i] = fround((byte & 15) * d) + m;
      out[o + 16 + i] = fround((byte >> 4) * d) + m;
    }
  }
};

export const dequantizeQ5_0: Dequantize = (bytes, out) => {
  for (let at = 0, o = 0; at < bytes.length; at += 22, o += 32) {
    const d = f16At(bytes, at);
    const h = u32At(bytes, at + 2);
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + 6 + i];
      out[o + i] = ((byte & 15) + 16 * ((h >>> i) & 1) - 16) * d;
      out[o + 16 + i] = ((byte >> 4) + 16 * ((h >>> (16 + i)) & 1) - 16) * d;
    }
  }
};

export const dequantizeQ5_1: Dequantize = (bytes, out) => {
  for (let at = 0, o = 0; at < bytes.length; at += 24, o += 32) {
    const d = f16At(bytes, at);
    const m = f16At(bytes, at + 2);
    const h = u32At(bytes, at + 4);
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + 8 + i];
      out[o + i] = fround(((byte & 15) + 16 * ((h >>> i) & 1)) * d) + m;
      out[o + 16 + i] = fround(((byte >> 4) + 16 * ((h >>> (16 + i)) & 1)) * d) + m;
    }
  }
};

/** The F16 at byte `at`. */
export function f16At(bytes: Uint8Array, at: number): number {
  return f16ToF32(bytes[at] | (bytes[at + 1] << 8));
}

function u32At(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
