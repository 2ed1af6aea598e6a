import sgemm from '@stdlib/blas/base/sgemm/lib/index.js';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { linear } from '../../src/ops/linear.ts';
import { normals, seeds, sizes } from '../arbitraries.ts';

const rows = fc.integer({ min: 1, max: 9 });

function product(
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array | null,
  inFeatures: number,
  outFeatures: number,
): Float32Array {
  const height = x.length / inFeatures;
  const out = new Float32Array(height * outFeatures);
  linear(out, x, weight, bias, height, inFeatures, outFeatures);
  return out;
}

describe('linear', () => {
  test.prop([rows, sizes, sizes, seeds])("equals stdlib's sgemm", (height, inFeatures, outFeatures, seed) => {
    const x = normals(seed, height * inFeatures);
    const weight = normals(seed + 1, outFeatures * inFeatures);
    const expected = sgemm(
      'row-major',
      'no-transpose',
      'transpose',
      height,
      outFeatures,
      inFeatures,
      1,
      x,
      inFeatures,
      weight,
      inFeatures,
      0,
      new Float32Array(height * outFeatures),
      outFeatures,
    );
    for (const [i, value] of product(x, weight, null, inFeatures, outFeatures).entries()) {
      // sgemm adds up in f32: some ulps of terms that are about 1 each.
      expect(Math.abs(value - expected[i])).toBeLessThan(1e-6 * (inFeatures + 10));
    }
  });

  test.prop([sizes, sizes, seeds])(
    'is linear: W(x + y) = Wx + Wy, exactly for whole numbers',
    (inFeatures, outFeatures, seed) => {
      const whole = (offset: number, length: number): Float32Array =>
        normals(seed + offset, length).map((v) => Math.round(v * 8));
      const [x, y, weight] = [whole(0, inFeatures), whole(1, inFeatures), whole(2, inFeatures * outFeatures)];
      const of = (vector: Float32Array): Float32Array => product(vector, weight, null, inFeatures, outFeatures);
      const [left, right] = [of(x), of(y)];
      expect(of(x.map((value, i) => value + y[i]))).toEqual(left.map((value, i) => value + right[i]));
      // + 0, as a product that is −0 adds up to 0.
      expect(of(x.map((value) => -3 * value))).toEqual(left.map((value) => -3 * value + 0));
    },
  );

  test.prop([sizes, seeds])('leaves x as it is under the identity', (features, seed) => {
    const identity = new Float32Array(features * features);
    for (let i = 0; i < features; i++) identity[i * features + i] = 1;
    const x = normals(seed, 3 * features);
    expect(product(x, identity, null, features, features)).toEqual(x);
  });

  it('takes the weight as [out, in] and adds the bias', () => {
    const weight = Float32Array.of(1, 2, 3, 4, 5, 6); // [2, 3]
    expect([...product(Float32Array.of(1, 10, 100), weight, Float32Array.of(0.5, -0.5), 3, 2)]).toEqual([321.5, 653.5]);
  });

  it('keeps what f32 accumulation would lose', () => {
    const x = Float32Array.of(1e8, 1, -1e8);
    expect([...product(x, Float32Array.of(1, 1, 1), null, 3, 1)]).toEqual([1]);
  });
});
