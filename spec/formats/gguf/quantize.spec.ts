import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, ShapeError } from '../../../src/errors.ts';
import { dequantize } from '../../../src/formats/gguf/dequantize.ts';
import { quantize, type WrittenType } from '../../../src/formats/gguf/quantize.ts';
import { quantTypes } from '../../../src/formats/gguf/quantTypes.ts';
import { normals, seeds } from '../../arbitraries.ts';

const back = (type: WrittenType, values: Float32Array): Float32Array =>
  dequantize(quantTypes[type], quantize(type, values));

/** Numbers of a block of 32, some of them on the edges that rounding decides. */
const block = fc.oneof(
  seeds.map((seed) => normals(seed, 32)),
  fc.array(fc.integer({ min: -254, max: 254 }), { minLength: 32, maxLength: 32 }).map((halves) => {
    return Float32Array.from(halves, (half) => half / 2);
  }),
);

describe('quantize', () => {
  test.prop([block])('Q8_0 and Q4_0 are off by half a step at most, and a step at the other end', (values) => {
    const most = Math.max(...values.map(Math.abs));
    // F16 rounds the step by 2^-11 of itself, which is the largest number's error as well.
    const slack = most * 2 ** -10;
    const eight = back('Q8_0', values);
    for (const [i, value] of values.entries())
      expect(Math.abs(eight[i] - value)).toBeLessThanOrEqual(most / 254 + slack);
    const four = back('Q4_0', values);
    const largest = values.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    for (const [i, value] of values.entries()) {
      // The end opposite to the largest number has seven steps of eight.
      const step = most / 8;
      const beyond = Math.sign(value) !== Math.sign(largest) && Math.abs(value) > 7 * step;
      expect(Math.abs(four[i] - value)).toBeLessThanOrEqual((beyond ? step : step / 2) + slack);
    }
  });

  test.prop([block])('what was stored once is stored in the same bytes again', (values) => {
    for (const type of ['F32', 'F16', 'BF16'] as const) {
      const once = back(type, values);
      expect(quantize(type, once)).toEqual(quantize(type, values));
    }
  });

  it('rounds halves away from zero, and gives zeros for zeros', () => {
    const values = new Float32Array(32);
    expect([...back('Q8_0', values)]).toEqual([...values]);
    expect([...back('Q4_0', values)].map(Math.abs)).toEqual([...values]);
    values.set([127, 0.5, -0.5, 2.5, -2.5]);
    expect([...back('Q8_0', values).subarray(0, 5)]).toEqual([127, 1, -1, 3, -3]);
    values.set([-8, 0.5, -0.5, 7, 8]);
    expect([...back('Q4_0', values).subarray(0, 5)]).toEqual([-8, 1, 0, 7, 7]);
  });

  it('refuses parts of a block, and what the type makes infinite', () => {
    expect(() => quantize('Q8_0', new Float32Array(31))).toThrow(ShapeError);
    for (const type of ['F16', 'Q8_0', 'Q4_0'] as const) {
      expect(() => quantize(type, new Float32Array(32).fill(1e9))).toThrow(FormatError);
    }
    expect(() => quantize('Q4_0', new Float32Array(32).fill(NaN))).toThrow(/NaN is more than Q4_0 holds/);
    expect(quantize('F32', Float32Array.of(1e30))).toHaveLength(4);
  });
});
