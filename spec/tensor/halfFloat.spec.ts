import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { decodeBf16, decodeF16, encodeBf16, encodeF16, f16ToF32 } from '../../src/tensor/halfFloat.ts';

/** The runtime's own binary16 (Node 24), the oracle; not in TypeScript 6's ES2023 library. */
interface Float16ArrayConstructor {
  new (length: number): ArrayLike<number> & { buffer: ArrayBuffer; set(values: ArrayLike<number>): void };
  new (buffer: ArrayBufferLike): ArrayLike<number>;
}
const Float16Array = (globalThis as { Float16Array?: Float16ArrayConstructor }).Float16Array;

const everyPattern = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);

const decoded = (decode: typeof decodeF16): Float32Array => {
  const out = new Float32Array(65_536);
  decode(everyPattern, out);
  return out;
};

/** Any f32 by its bits: all exponents alike, NaNs and subnormals included. */
const f32s = fc
  .array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 1, maxLength: 50 })
  .map((words) => new Float32Array(Uint32Array.from(words).buffer));
/** f32s whose exponent an F16 can nearly have: its rounding, its subnormals and its overflow. */
const f32sNearF16 = fc
  .array(fc.record({ sign: fc.nat(1), exponent: fc.integer({ min: 98, max: 146 }), fraction: fc.nat(0x7fffff) }), {
    minLength: 1,
    maxLength: 50,
  })
  .map((parts) => {
    const words = parts.map(({ sign, exponent, fraction }) => ((sign << 31) | (exponent << 23) | fraction) >>> 0);
    return new Float32Array(Uint32Array.from(words).buffer);
  });

describe.skipIf(Float16Array === undefined)('F16 against Float16Array (skipped where the runtime lacks it)', () => {
  if (Float16Array === undefined) return;

  it('decodes all 65,536 patterns', () => {
    expect(decoded(decodeF16)).toEqual(Float32Array.from(new Float16Array(everyPattern.buffer)));
  });

  const expectOracleBits = (values: Float32Array): void => {
    const oracle = new Float16Array(values.length);
    oracle.set(values);
    const want = new Uint16Array(oracle.buffer);
    for (const [i, got] of encodeF16(values).entries()) {
      if (Number.isNaN(values[i])) expect(f16ToF32(got)).toBeNaN();
      else expect(got, `of ${values[i]}`).toBe(want[i]);
    }
  };
  test.prop([f32s])('encodes any f32', expectOracleBits);
  test.prop([f32sNearF16], { numRuns: 1000 })('encodes f32s around its range', expectOracleBits);

  it('rounds the midpoints between all neighbours to even', () => {
    const finite = decoded(decodeF16).filter(Number.isFinite).sort();
    expectOracleBits(finite.subarray(1).map((value, i) => (value + finite[i]) / 2));
  });
});

describe('both formats', () => {
  it.each([
    ['F16', decodeF16, encodeF16],
    ['BF16', decodeBf16, encodeBf16],
  ])('%s: every pattern but a NaN survives decode and encode', (_, decode, encode) => {
    const values = decoded(decode);
    const again = encode(values);
    for (let bits = 0; bits < 65_536; bits++) if (!Number.isNaN(values[bits])) expect(again[bits]).toBe(bits);
  });

  it.each([
    ['F16', encodeF16, 0x7c00],
    ['BF16', encodeBf16, 0x7f80],
  ])('%s: NaN stays NaN, overflow becomes infinity', (_, encode, infinity) => {
    const [nan, sneakyNan, plus, minus] = encode(
      new Float32Array(Uint32Array.of(0x7fc00000, 0x7f800001, 0x7f7fffff, 0xff7fffff).buffer),
    );
    expect(nan).toBeGreaterThan(infinity);
    expect(sneakyNan).toBeGreaterThan(infinity);
    expect(plus).toBe(infinity);
    expect(minus).toBe(infinity | 0x8000);
  });
});

describe('BF16', () => {
  it('decodes to the f32 whose upper half it is', () => {
    const words = new Uint32Array(decoded(decodeBf16).buffer);
    for (let bits = 0; bits < 65_536; bits++) expect(words[bits]).toBe((bits << 16) >>> 0);
  });

  test.prop([f32s])('encodes to the nearer neighbour, at a tie to the even one', (values) => {
    const words = new Uint32Array(values.buffer);
    for (const [i, got] of encodeBf16(values).entries()) {
      if (Number.isNaN(values[i])) continue;
      const below = words[i] >>> 16;
      const rest = words[i] & 0xffff;
      const up = rest > 0x8000 || (rest === 0x8000 && below % 2 === 1);
      expect(got).toBe(below + (up ? 1 : 0));
    }
  });
});
