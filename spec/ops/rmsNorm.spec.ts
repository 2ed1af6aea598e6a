import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { rmsNorm } from '../../src/ops/rmsNorm.ts';
import { normals, seeds, sizes } from '../arbitraries.ts';

const rows = fc.integer({ min: 1, max: 5 });

function normed(x: Float32Array, weight: Float32Array, eps: number): Float32Array {
  const out = new Float32Array(x.length);
  rmsNorm(out, x, weight, eps, x.length / weight.length, weight.length);
  return out;
}

describe('rmsNorm', () => {
  test.prop([rows, sizes, seeds])('gives rows of root mean square 1 under a gain of 1', (height, cols, seed) => {
    const out = normed(normals(seed, height * cols), new Float32Array(cols).fill(1), 0);
    for (let row = 0; row < height; row++) {
      const squares = out.slice(row * cols, (row + 1) * cols).reduce((sum, value) => sum + value ** 2, 0);
      expect(Math.sqrt(squares / cols)).toBeCloseTo(1, 6);
    }
  });

  test.prop([rows, sizes, seeds, fc.integer({ min: -30, max: 30 })])(
    'does not see the scale of a row where eps is 0: bit-equal for powers of two',
    (height, cols, seed, exponent) => {
      const x = normals(seed, height * cols);
      const weight = normals(seed + 1, cols);
      const scaled = normed(
        x.map((value) => value * 2 ** exponent),
        weight,
        0,
      );
      expect(scaled).toEqual(normed(x, weight, 0));
    },
  );

  test.prop([sizes, seeds])('multiplies column i by weight i', (cols, seed) => {
    const x = normals(seed, cols);
    const weight = normals(seed + 1, cols);
    const plain = normed(x, new Float32Array(cols).fill(1), 1e-5);
    for (const [i, value] of normed(x, weight, 1e-5).entries()) expect(value).toBeCloseTo(plain[i] * weight[i], 5);
  });

  it('divides by the root of the mean square plus eps', () => {
    // mean of squares (9 + 16) / 2 = 12.5; + 3.5 = 16
    expect([...normed(Float32Array.of(3, 4), Float32Array.of(1, 2), 3.5)]).toEqual([0.75, 2]);
  });

  it('leaves a row of zeros zero, thanks to eps', () => {
    expect([...normed(new Float32Array(4), new Float32Array(4).fill(1), 1e-6)]).toEqual([0, 0, 0, 0]);
  });

  it('may write over its input', () => {
    const x = normals(1, 24);
    const weight = normals(2, 8);
    const expected = normed(x, weight, 1e-6);
    rmsNorm(x, x, weight, 1e-6, 3, 8);
    expect(x).toEqual(expected);
  });
});
