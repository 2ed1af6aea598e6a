/**
 * The two 16-bit floats of model files, to f32 and back, by hand: Node 22 has no Float16Array.
 *
 *   F16   sign 1 · exponent 5 (bias 15)  · fraction 10    IEEE 754 binary16, ±65,504 at most
 *   BF16  sign 1 · exponent 8 (bias 127) · fraction 7     the upper half of an f32
 *
 * Decoding is exact. Encoding rounds to nearest, ties to even; a NaN stays a NaN.
 */

/** One number seen as f32 and as its bits. */
const float: Float32Array<ArrayBuffer> = new Float32Array(1);
const word: Uint32Array<ArrayBuffer> = new Uint32Array(float.buffer);

const F32_INFINITY = 0x7f800000;

/** The values of all 65,536 F16 patterns; filled when the first F16 is decoded. */
let f16Table: Float32Array | null = null;

function f16Values(): Float32Array {
  f16Table ??= Float32Array.from({ length: 65_536 }, (_, bits) => f16Value(bits));
  return f16Table;
}

/** Exponent 0 = subnormal, 31 = infinity or NaN. */
function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The value of one F16 pattern, 0 … 65,535. */
export function f16ToF32(bits: number): number {
  return f16Values()[bits];
}

/** F16 patterns → f32 values; `out` is at least as long as `bits`. */
export function decodeF16(bits: Uint16Array, out: Float32Array): void {
  const values = f16Values();
  for (let i = 0; i < bits.length; i++) out[i] = values[bits[i]];
}

/** BF16 patterns → f32 values; `out` is at least as long as `bits`. */
export function decodeBf16(bits: Uint16Array, out: Float32Array): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
}

/**
 * f32 values → F16 patterns; from ±65,520 on, which is nearer to the next power of two, infinity.
 */
export function encodeF16(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = f16Bits(values[i]);
  return bits;
}

/** From this magnitude on, the largest F16 and half a step, a number becomes infinite as F16. */
export const F16_END = 65_520;

/**
 * Numbers as model files store them, little-endian. F32 is a view of the values, not a copy.
 */
export function encodeFloats(type: 'F32' | 'F16' | 'BF16', values: Float32Array): Uint8Array {
  const stored = type === 'F32' ? values : type === 'F16' ? encodeF16(values) : encodeBf16(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** f32 values → BF16 patterns. */
export function encodeBf16(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = bf16Bits(values[i]);
  return bits;
}

function f16Bits(value: number): number {
  float[0] = value;
  const sign = (word[0] >>> 16) & 0x8000;
  const magnitude = word[0] & 0x7fffffff;
  if (magnitude > F32_INFINITY) return sign | 0x7e00;
  // 65,520 and above.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^−14 an F16 counts units of 2^−24. At 2^23 the neighbours of an f32 lie 1 apart, so
    // the addition rounds to whole units, ties to even.
    return sign | (Math.fround(Math.abs(value) * 2 ** 24 + 2 ** 23) - 2 ** 23);
  }
  // Exponent bias 127 → 15, then the fraction's lower 13 bits are rounded away; a carry into the
  // exponent is right.
  const rebiased = magnitude - ((127 - 15) << 23);
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
}

function bf16Bits(value: number): number {
  float[0] = value;
  const bits = word[0];
  // Rounding could turn a NaN whose fraction is all in the lower half into infinity: set the quiet
  // bit instead.
  if ((bits & 0x7fffffff) > F32_INFINITY) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
