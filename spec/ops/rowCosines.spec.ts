import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { rowCosines } from '../../src/ops/rowCosines.ts';
import { someFlavour, drawArray, normals, seeds, sizes } from '../arbitraries.ts';
import { seededRng } from '../../src/tensor/rng.ts';

const heights = fc.integer({ min: 1, max: 9 });

function cosinesOf(x: Float32Array, y: Float32Array, cols: number): number[] {
  const out = new Float32Array(x.length / cols);
  rowCosines(out, x, y, out.length, cols);
  return [...out];
}

const scaled = (x: Float32Array, factor: number): Float32Array => x.map((value) => value * factor);
const ones = (length: number, value = 1): number[] => Array.from({ length }, () => value);

describe('rowCosines', () => {
  test.prop([heights, sizes, seeds, someFlavour])(
    'lies within −1 … 1 and is symmetric',
    (rows, cols, seed, flavour) => {
      const rng = seededRng(seed);
      const [x, y] = [drawArray(rng, rows * cols, flavour), drawArray(rng, rows * cols, flavour)];
      const found = cosinesOf(x, y, cols);
      for (const value of found) expect(Math.abs(value)).toBeLessThanOrEqual(1);
      expect(cosinesOf(y, x, cols)).toEqual(found);
    },
  );

  test.prop([heights, sizes, seeds, someFlavour])(
    'of a row with itself is 1, and with its opposite −1, to the bit',
    (rows, cols, seed, flavour) => {
      const x = drawArray(seededRng(seed), rows * cols, flavour);
      expect(cosinesOf(x, x, cols)).toEqual(ones(rows));
      expect(cosinesOf(x, scaled(x, -1), cols)).toEqual(ones(rows, -1));
    },
  );

  test.prop([heights, sizes, seeds, fc.integer({ min: -40, max: 40 }), fc.integer({ min: -40, max: 40 })])(
    'does not see how long the rows are: bit-equal for powers of two',
    (rows, cols, seed, first, second) => {
      const [x, y] = [normals(seed, rows * cols), normals(seed + 1, rows * cols)];
      expect(cosinesOf(scaled(x, 2 ** first), scaled(y, 2 ** second), cols)).toEqual(cosinesOf(x, y, cols));
    },
  );

  test.prop([heights, sizes, seeds])('looks at a row and at no other', (rows, cols, seed) => {
    const [x, y] = [normals(seed, rows * cols), normals(seed + 1, rows * cols)];
    const alone = Array.from({ length: rows }, (_, row) => {
      const part = (of: Float32Array): Float32Array => of.subarray(row * cols, (row + 1) * cols);
      return cosinesOf(part(x), part(y), cols)[0];
    });
    expect(cosinesOf(x, y, cols)).toEqual(alone);
  });

  it.each<{ what: string; x: number[]; y: number[]; cosine: number }>([
    { what: 'the same direction', x: [1, 2], y: [2, 4], cosine: 1 },
    { what: 'a right angle', x: [1, 2], y: [-2, 1], cosine: 0 },
    { what: '60 degrees', x: [1, 0], y: [1, Math.sqrt(3)], cosine: Math.fround(0.5) },
    { what: 'two rows of zeros: they are equal', x: [0, 0], y: [0, -0], cosine: 1 },
    { what: 'a row of zeros beside another one', x: [0, 0], y: [1, 2], cosine: 0 },
    { what: 'another row beside one of zeros', x: [1, 2], y: [0, 0], cosine: 0 },
    { what: 'the smallest numbers', x: [1.4e-45, 0], y: [1.4e-45, 0], cosine: 1 },
    { what: 'the largest numbers', x: [3e38, 3e38], y: [3e38, 3e38], cosine: 1 },
  ])('of $what is $cosine', ({ x, y, cosine }) => {
    expect(cosinesOf(Float32Array.from(x), Float32Array.from(y), 2)[0]).toBeCloseTo(cosine, 7);
  });

  it.each([
    { what: 'a NaN', x: [NaN, 1], y: [1, 1] },
    { what: 'a NaN beside zeros', x: [NaN, 1], y: [0, 0] },
    { what: 'an infinity', x: [1, 1], y: [1, Infinity] },
  ])('of $what is NaN', ({ x, y }) => {
    expect(cosinesOf(Float32Array.from(x), Float32Array.from(y), 2)).toEqual([NaN]);
  });
});
