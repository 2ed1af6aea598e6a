import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { layerNorm } from '../../src/ops/layerNorm.ts';
import { rmsNorm } from '../../src/ops/rmsNorm.ts';
import { normals, seeds, sizes } from '../arbitraries.ts';

const rows = fc.integer({ min: 1, max: 5 });
const widths = sizes.filter((cols) => cols > 1);

function normed(x: Float32Array, weight: Float32Array, bias: Float32Array, eps: number): Float32Array {
  const out = new Float32Array(x.length);
  layerNorm(out, x, weight, bias, eps, x.length / weight.length, weight.length);
  return out;
}

describe('layerNorm', () => {
  test.prop([rows, widths, seeds])(
    'gives rows of mean 0 and variance 1 under gain 1 and bias 0',
    (height, cols, seed) => {
      const out = normed(normals(seed, height * cols), new Float32Array(cols).fill(1), new Float32Array(cols), 0);
      for (let row = 0; row < height; row++) {
        const part = Array.from(out.subarray(row * cols, (row + 1) * cols));
        expect(part.reduce((a, b) => a + b) / cols).toBeCloseTo(0, 6);
        expect(part.reduce((sum, value) => sum + value ** 2, 0) / cols).toBeCloseTo(1, 5);
      }
    },
  );

  test.prop([rows, widths, seeds, fc.integer({ min: -1000, max: 1000 })])(
    'does not see a shift of a whole row',
    (height, cols, seed, shift) => {
      // Multiples of 2⁻¹⁰ stay exact under the shift, so that only the op itself could see it.
      const x = normals(seed, height * cols).map((value) => Math.round(value * 1024) / 1024);
      const [weight, bias] = [normals(seed + 1, cols), normals(seed + 2, cols)];
      const shifted = normed(
        x.map((value) => value + shift),
        weight,
        bias,
        1e-5,
      );
      for (const [i, value] of normed(x, weight, bias, 1e-5).entries()) expect(shifted[i]).toBeCloseTo(value, 5);
    },
  );

  test.prop([widths, seeds])('is rmsNorm of the row less its mean, plus the bias', (cols, seed) => {
    const x = normals(seed, cols);
    const [weight, bias] = [normals(seed + 1, cols), normals(seed + 2, cols)];
    const mean = x.reduce((sum, value) => sum + value, 0) / cols;
    const centred = new Float32Array(cols);
    rmsNorm(
      centred,
      x.map((value) => value - mean),
      weight,
      1e-5,
      1,
      cols,
    );
    for (const [i, value] of normed(x, weight, bias, 1e-5).entries())
      expect(value).toBeCloseTo(centred[i] + bias[i], 4);
  });

  it('keeps the variance of small numbers on a large offset', () => {
    const x = Float32Array.of(10_000, 10_001, 10_002, 10_003);
    const one = new Float32Array(4).fill(1);
    const expected = [-1.5, -0.5, 0.5, 1.5].map((value) => value / Math.sqrt(1.25));
    for (const [i, value] of normed(x, one, new Float32Array(4), 0).entries())
      expect(value).toBeCloseTo(expected[i], 6);
  });

  it('gives the bias for a constant row', () => {
    const bias = Float32Array.of(1, -2, 3);
    expect(normed(new Float32Array(3).fill(7), Float32Array.of(4, 5, 6), bias, 1e-5)).toEqual(bias);
  });
});
