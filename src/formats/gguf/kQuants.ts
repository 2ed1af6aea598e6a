/**
 * The "K" quantisations, with super-blocks of 256 elements: F16 numbers d (and dmin) for the whole,
 * over small integer scales (and mins) of 16 or 32 elements each.
 *
 *   Q2_K | sc: 16 × (min, scale nibble) @0 | q: 64 × 4 × 2 bits @16 | d @80 | dmin @82      ‥ 84 |
 *   Q3_K | h: 32 × 8 × 1 bit @0  | q: 64 × 4 × 2 bits @32   | sc: 16 × 6 bits @96 | d @108 ‥ 110 |
 *   Q4_K | d @0 | dmin @2 | s: 12 @4     | q: 128 × nibbles @16                            ‥ 144 |
 *   Q5_K | d @0 | dmin @2 | s: 12 @4     | h: 32 × 8 × 1 bit @16  | q: 128 × nibbles @48   ‥ 176 |
 *   Q6_K | ql: 128 × nibbles @0  | qh: 64 × 4 × 2 bits @128 | sc: 16 × i8 @192   | d @208  ‥ 210 |
 *
 *   Q2_K, Q4_K, Q5_K   x = d·scale·q − dmin·min
 *   Q3_K               x = d·(scale − 32)·(q + 4·h − 4)
 *   Q6_K               x = d·scale·(q − 32)
 *
 * An element's bits never lie side by side: elements 32 or 64 apart share bytes, so that a
 * processor unpacks a whole vector with one shift. Each product and each sum is rounded to f32 on
 * its own (a store into `out` rounds too), so values equal those of ggml's C to the bit. Source:
 * ggml's block structs, as described in the GGUF documentation.
 */
import { f16At, type Dequantize } from './legacyQuants.ts';

const { fround } = Math;

export const dequantizeQ2_K: Dequantize = (bytes, out) => {
  for (let at = 0, o = 0; at < bytes.length; at += 84, o += 256) {
    const d = f16At(bytes, at + 80);
    const dmin = f16At(bytes, at + 82);
    for (let g = 0; g < 16; g++) {
      const scale = fround(d * (bytes[at + g] & 15));
      const min = fround(dmin * (bytes[at + g] >> 4));
      const { from, shift } = twoBits(at + 16, g);
      for (let l = 0; l < 16; l++) out[o + 16 * g + l] = fround(scale * ((bytes[from + l] >> shift) & 3)) - min;
    }
  }
};

export const dequantizeQ3_K: Dequantize = (bytes, out) => {
  for (let at = 0, o = 0; at < bytes.length; at += 110, o += 256) {
    const d = f16At(bytes, at + 108);
    const sc = at + 96;
    for (let g = 0; g < 16; g++) {
      // Lower four bits: the nibbles of the first eight bytes. Upper two: four groups share a byte
      // of the last four.
      const low = g < 8 ? bytes[sc + g] & 15 : bytes[sc + g - 8] >> 4;
      const high = (bytes[sc + 8 + (g & 3)] >> (2 * (g >> 2))) & 3;
      const scale = fround(d * (low + 16 * high - 32));
      const { from, shift } = twoBits(at + 32, g);
      const h = at + 16 * (g & 1);
      for (let l = 0; l < 16; l++) {
        const q = ((bytes[from + l] >> shift) & 3) + 4 * ((bytes[h + l] >> (g >> 1)) & 1) - 4;
        out[o + 16 * g + l] = scale * q;
      }
    }
  }
};

/**
 * Where the 2-bit numbers of 16-element group g are: byte and shift. Four groups 32 elements apart
 * share bytes.
 */
function twoBits(q: number, g: number): { from: number; shift: number } {
  return { from: q + 32 * (g >> 3) + 16 * (g & 1), shift: 2 * ((g >> 1) & 3) };
}

export const dequantizeQ4_K: Dequantize = (bytes, out) => {
  for (let at = 0, o = 0; at < bytes.length; at += 144, o += 256) {
    const d = f16At(bytes, at);
    const dmin = f16At(bytes, at + 2);
    for (let b = 0; b < 8; b++) {
      const scale = fround(d * packedScale(bytes, at + 4, b));
      const min = fround(dmin * packedMin(bytes, at + 4, b));
      const from = at + 16 + 32 * (b >> 1);
      const shift = 4 * (b & 1);
      for (let l = 0; l < 32; l++) out[o + 32 * b + l] = fround(scale * ((bytes[from + l] >> shift) & 15)) - min;
    }
  }
};

export const dequantizeQ5_K: Dequantize = (bytes, out) => {
  for (let at = 0, o = 0; at < bytes.length; at += 176, o += 256) {
    const d = f16At(bytes, at);
    const dmin = f16At(bytes, at + 2);
    for (let b = 0; b < 8; b++) {
      const scale = fround(d * packedScale(bytes, at + 4, b));
      const min = fround(dmin * packedMin(bytes, at + 4, b));
      const from = at + 48 + 32 * (b >> 1);
      const shift = 4 * (b & 1);
      for (let l = 0; l < 32; l++) {
        const q = ((bytes[from + l] >> shift) & 15) + 16 * ((bytes[at + 16 + l] >> b) & 1);
        out[o + 32 * b + l] = fround(scale * q) - min;
      }
    }
  }
};

/**
 * Scale b of Q4_K and Q5_K: eight scales and eight mins of 6 bits in 12 bytes; the last four of
 * each are split.
 */
function packedScale(bytes: Uint8Array, s: number, b: number): number {
  if (b < 4) return bytes[s + b] & 63;
  return (bytes[s + b + 4] & 15) | ((bytes[s + b - 4] >> 6) << 4);
}

function packedMin(bytes: Uint8Array, s: number, b: number): number {
  if (b < 4) return bytes[s + b + 4] & 63;
  return (bytes[s + b + 4] >> 4) | ((bytes[s + b] >> 6) << 4);
}

export const dequantizeQ6_K: Dequantize = (bytes, out) => {
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0, o = 0; at < bytes.length; at += 210, o += 256) {
    const d = f16At(bytes, at + 208);
    for (let g = 0; g < 16; g++) {
      const scale = fround(d * signed[at + 192 + g]);
      // Group g is quarter c of half n, and the first or second 16 of that quarter.
      const n = g >> 3;
      const c = (g >> 1) & 3;
      const low = at + 64 * n + 32 * (c & 1) + 16 * (g & 1);
      const lowShift = c < 2 ? 0 : 4;
      const high = at + 128 + 32 * n + 16 * (g & 1);
      for (let l = 0; l < 16; l++) {
        const q = ((bytes[low + l] >> lowShift) & 15) | (((bytes[high + l] >> (2 * c)) & 3) << 4);
        out[o + 16 * g + l] = scale * (q - 32);
      }
    }
  }
};
