import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { columnSquares } from '../../src/ops/columnSquares.ts';
import type { Floats } from '../../src/ops/floats.ts';
import { gram } from '../../src/ops/gram.ts';
import { linearBackwardWeight } from '../../src/ops/linearBackward.ts';
import { normals, seeds, sizes } from '../arbitraries.ts';

const heights = fc.integer({ min: 1, max: 40 });
const widths = sizes.map((size) => Math.min(size, 33));

function gramOf(x: Floats, rows: number, cols: number): Float32Array {
  const out = new Float32Array(cols * cols);
  gram(out, x, rows, cols);
  return out;
}

describe('gram', () => {
  test.prop([heights, widths, seeds])('is the weight gradient of x with itself: xᵀx', (rows, cols, seed) => {
    const x = normals(seed, rows * cols);
    const expected = new Float32Array(cols * cols);
    linearBackwardWeight(expected, x, x, rows, cols, cols);
    expect(gramOf(x, rows, cols)).toEqual(expected);
  });

  test.prop([heights, widths, seeds])('is symmetric, with columnSquares on its diagonal', (rows, cols, seed) => {
    const x = normals(seed, rows * cols);
    const out = gramOf(x, rows, cols);
    const squares = new Float32Array(cols);
    columnSquares(squares, x, rows, cols);
    for (let i = 0; i < cols; i++) {
      expect(out[i * cols + i]).toBe(squares[i]);
      for (let j = 0; j < i; j++) expect(out[i * cols + j]).toBe(out[j * cols + i]);
    }
  });

  test.prop([heights, heights, widths, seeds])(
    'of rows stacked is the sum of the parts’, but for rounding',
    (above, below, cols, seed) => {
      const x = normals(seed, (above + below) * cols);
      const whole = gramOf(x, above + below, cols);
      const first = gramOf(x.subarray(0, above * cols), above, cols);
      const second = gramOf(x.subarray(above * cols), below, cols);
      for (const [index, value] of whole.entries()) {
        // Three roundings to f32: of either part, and of the whole.
        const bound = 2 ** -24 * (Math.abs(first[index]) + Math.abs(second[index]) + Math.abs(value)) * 1.001;
        expect(Math.abs(first[index] + second[index] - value)).toBeLessThanOrEqual(bound);
      }
    },
  );

  test.prop([heights, widths, seeds])('has no negative form: zᵀ(xᵀx)z = ‖xz‖² ≥ 0', (rows, cols, seed) => {
    const [x, z] = [normals(seed, rows * cols), normals(seed + 1, cols)];
    const wide = new Float64Array(cols * cols);
    gram(wide, x, rows, cols);
    const form = wide.reduce((sum, value, index) => sum + value * z[Math.floor(index / cols)] * z[index % cols], 0);
    const size = wide.reduce(
      (sum, value, index) => sum + Math.abs(value * z[Math.floor(index / cols)] * z[index % cols]),
      0,
    );
    expect(form).toBeGreaterThanOrEqual(-1e-12 * size);
  });

  it('of one row is its outer product with itself', () => {
    expect([...gramOf(Float32Array.of(1, 2, 3), 1, 3)]).toEqual([1, 2, 3, 2, 4, 6, 3, 6, 9]);
  });

  it('keeps what is left of products that cancel', () => {
    const x = Float32Array.of(2 ** 13, 2 ** 13, 1, 1, 2 ** 13, -(2 ** 13));
    expect([...gramOf(x, 3, 2)]).toEqual([2 ** 27, 1, 1, 2 ** 27]);
  });
});
