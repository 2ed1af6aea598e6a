import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { dot } from '../../src/ops/dot.ts';
import { normals, seeds } from '../arbitraries.ts';

describe('dot', () => {
  test.prop([fc.nat(20), fc.nat(5), fc.nat(5), seeds])(
    'multiplies the two stretches, whatever lies around them',
    (length, xAt, yAt, seed) => {
      const [x, y] = [normals(seed, xAt + length + 3), normals(seed + 1, yAt + length + 3)];
      const [left, right] = [x.slice(xAt, xAt + length), y.slice(yAt, yAt + length)];
      const expected = left.reduce((sum, value, i) => sum + value * right[i], 0);
      expect(dot(x, xAt, y, yAt, length)).toBe(expected);
    },
  );

  it('sums in f64', () => {
    expect(dot(Float32Array.of(1e8, 1, -1e8), 0, Float32Array.of(1, 1, 1), 0, 3)).toBe(1);
    // (1 + 2⁻²³)² needs 47 bits.
    const x = Float32Array.of(1 + 2 ** -23);
    expect(dot(x, 0, x, 0, 1)).toBe((1 + 2 ** -23) ** 2);
  });
});
