/**
 * Numbers as a GGUF file stores them: the counterpart of dequantize.ts. Every step is rounded to
 * f32 as ggml's reference quantisers round it, so the bytes equal theirs.
 *
 *   F32   as they are
 *   F16, BF16   rounded to nearest, ties to even
 *   Q8_0  d = max |x| / 127;             q = x/d, to the nearest integer, halves away from zero
 *   Q4_0  d = (the x of largest |x|) / −8;   q = ⌊x/d + 8.5⌋, at most 15
 *
 * x/d is x·(1/d) with 1/d taken before d is rounded to F16. Layouts: legacyQuants.ts. Source:
 * ggml's reference quantisers, as the GGUF documentation describes them.
 */
import { FormatError, ShapeError } from '../../errors.ts';
import { encodeF16, encodeFloats, F16_END } from '../../tensor/halfFloat.ts';
import { quantTypes, storedBytes, type QuantName } from './quantTypes.ts';

/** The types that we write. */
export type WrittenType = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0';
export const writtenTypes: readonly WrittenType[] = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0'];

const encoders: Readonly<Record<WrittenType, (values: Float32Array) => Uint8Array>> = {
  F32: (values) => encodeFloats('F32', values),
  F16: (values) => encodeFloats('F16', values),
  BF16: (values) => encodeFloats('BF16', values),
  Q8_0: quantizeQ8_0,
  Q4_0: quantizeQ4_0,
};

const { fround } = Math;

/**
 * @param values whole blocks of the type.
 * @throws ShapeError for a part of a block, FormatError for a number that the type cannot hold.
 */
export function quantize(type: WrittenType, values: Float32Array): Uint8Array {
  const { blockElements } = quantTypes[type];
  if (values.length % blockElements !== 0) {
    throw new ShapeError(`${values.length} numbers are not a whole number of ${type}'s blocks of ${blockElements}.`);
  }
  checkRange(type, values);
  return encoders[type](values);
}

/** Whether rows of so many numbers can be stored in a type. */
export function holdsRows(type: QuantName, width: number): boolean {
  return width % quantTypes[type].blockElements === 0;
}

/** From here on a number, or its block's scale, is not finite as F16; F16 itself has infinities. */
const tooLarge: Readonly<Record<WrittenType, (value: number) => boolean>> = {
  F32: () => false,
  BF16: () => false,
  F16: (value) => Math.abs(value) >= F16_END && Number.isFinite(value),
  Q8_0: (value) => !(Math.abs(value) < 127 * F16_END),
  Q4_0: (value) => !(Math.abs(value) < 8 * F16_END),
};

/** @throws FormatError for what would become infinite. */
function checkRange(type: WrittenType, values: Float32Array): void {
  const at = values.findIndex(tooLarge[type]);
  if (at < 0) return;
  throw new FormatError(`${values[at]} is more than ${type} holds.`, { remedy: 'Write F32 or BF16.' });
}

function quantizeQ8_0(values: Float32Array): Uint8Array {
  const out = new Uint8Array(storedBytes(quantTypes.Q8_0, values.length));
  const scales = new Float32Array(values.length / 32);
  for (let block = 0, at = 0; at < values.length; block++, at += 32) {
    let most = 0;
    for (let i = 0; i < 32; i++) most = Math.max(most, Math.abs(values[at + i]));
    const d = fround(most / 127);
    const inverse = d === 0 ? 0 : fround(1 / d);
    scales[block] = d;
    for (let i = 0; i < 32; i++) out[34 * block + 2 + i] = awayFromZero(fround(values[at + i] * inverse)) & 255;
  }
  setScales(out, 34, scales);
  return out;
}

function quantizeQ4_0(values: Float32Array): Uint8Array {
  const out = new Uint8Array(storedBytes(quantTypes.Q4_0, values.length));
  const scales = new Float32Array(values.length / 32);
  for (let block = 0, at = 0; at < values.length; block++, at += 32) {
    // The first of the largest, with its sign: it gets the longer end of the range.
    let largest = 0;
    for (let i = 0; i < 32; i++) if (Math.abs(values[at + i]) > Math.abs(largest)) largest = values[at + i];
    const d = fround(largest / -8);
    const inverse = d === 0 ? 0 : fround(1 / d);
    scales[block] = d;
    const nibble = (value: number): number => Math.min(15, Math.trunc(fround(fround(value * inverse) + 8.5)));
    for (let i = 0; i < 16; i++) {
      out[18 * block + 2 + i] = nibble(values[at + i]) | (nibble(values[at + 16 + i]) << 4);
    }
  }
  setScales(out, 18, scales);
  return out;
}

/** Each block begins with its scale as F16. */
function setScales(out: Uint8Array, blockBytes: number, scales: Float32Array): void {
  for (const [block, bits] of encodeF16(scales).entries()) {
    out[block * blockBytes] = bits & 255;
    out[block * blockBytes + 1] = bits >> 8;
  }
}

function awayFromZero(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}
