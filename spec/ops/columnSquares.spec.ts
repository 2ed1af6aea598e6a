import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { columnSquares } from '../../src/ops/columnSquares.ts';
import { columnSums } from '../../src/ops/linearBackward.ts';
import { normals, seeds, sizes } from '../arbitraries.ts';

const heights = fc.integer({ min: 1, max: 40 });

function squaresOf(x: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(cols);
  columnSquares(out, x, rows, cols);
  return out;
}

describe('columnSquares', () => {
  test.prop([heights, sizes, seeds])('is the column sums of the squares', (rows, cols, seed) => {
    const x = normals(seed, rows * cols);
    const expected = new Float32Array(cols);
    columnSums(
      expected,
      Float64Array.from(x, (value) => value * value),
      rows,
      cols,
    );
    expect(squaresOf(x, rows, cols)).toEqual(expected);
  });

  test.prop([heights, sizes, seeds])('does not see signs', (rows, cols, seed) => {
    const x = normals(seed, rows * cols);
    const flipped = x.map((value, index) => (index % 3 === 0 ? -value : value));
    expect(squaresOf(flipped, rows, cols)).toEqual(squaresOf(x, rows, cols));
  });

  test.prop([heights, sizes, seeds, fc.integer({ min: -30, max: 30 })])(
    'grows with the square of the scale: bit-equal for powers of two',
    (rows, cols, seed, exponent) => {
      const x = normals(seed, rows * cols);
      const scaled = x.map((value) => value * 2 ** exponent);
      const expected = squaresOf(x, rows, cols).map((value) => value * 4 ** exponent);
      expect(squaresOf(scaled, rows, cols)).toEqual(expected);
    },
  );

  it('keeps what f32 would lose beside a large square', () => {
    // 4096² = 2²⁴: in f32 each further 1 would vanish.
    const x = Float32Array.from({ length: 9 }, (_, row) => (row === 0 ? 4096 : 1));
    expect([...squaresOf(x, 9, 1)]).toEqual([2 ** 24 + 8]);
  });
});
