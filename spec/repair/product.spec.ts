import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { productOf, subtractProduct, type Panel } from '../../src/repair/product.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { seeds, sizes } from '../arbitraries.ts';

/** A panel somewhere in a larger array. */
function panel(seed: number, rows: number, columns: number): Panel {
  const rng = seededRng(seed);
  const [at, stride] = [rng.int(5), columns + rng.int(4)];
  const values = Float64Array.from({ length: at + rows * stride }, () => rng.normal());
  return { values, at, stride };
}

/** The definition: each sum from k = 0 on, in parts of 256 terms. */
function plain(c: Panel, a: Panel, b: Panel, rows: number, columns: number, depth: number): Float64Array {
  const out = c.values.slice();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      for (let from = 0; from < depth; from += 256) {
        let sum = 0;
        for (let k = from; k < Math.min(depth, from + 256); k++) {
          sum += a.values[a.at + i * a.stride + k] * b.values[b.at + j * b.stride + k];
        }
        out[c.at + i * c.stride + j] -= sum;
      }
    }
  }
  return out;
}

describe('subtractProduct', () => {
  test.prop([seeds, sizes, sizes, fc.oneof(sizes, fc.constantFrom(0, 255, 256, 257, 513))])(
    'is the definition to the bit, and leaves what is around C alone',
    (seed, rows, columns, depth) => {
      const [c, a, b] = [panel(seed, rows, columns), panel(seed + 1, rows, depth), panel(seed + 2, columns, depth)];
      const expected = plain(c, a, b, rows, columns, depth);
      subtractProduct(c, a, b, rows, columns, depth);
      expect(c.values).toEqual(expected);
    },
  );

  it('may write beside what it reads in the same array', () => {
    // [1 2 | 100]: the last column less the product of the first two with themselves.
    const values = Float64Array.of(1, 2, 100);
    const [a, c] = [
      { values, at: 0, stride: 3 },
      { values, at: 2, stride: 3 },
    ];
    subtractProduct(c, a, a, 1, 1, 2);
    expect([...values]).toEqual([1, 2, 95]);
  });
});

describe('productOf', () => {
  it('is A Bᵀ', () => {
    const a = Float64Array.of(1, 2, 3, 4, 5, 6);
    expect([...productOf(a, Float64Array.of(1, 0, 0, 0, 1, 1), 3)]).toEqual([1, 5, 4, 11]);
    expect([...productOf(a, Float64Array.of(0, 0, 0), 3)]).toEqual([0, 0]);
  });
});
