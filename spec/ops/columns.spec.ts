import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { columns } from '../../src/ops/columns.ts';
import { normals, seeds } from '../arbitraries.ts';

describe('columns', () => {
  test.prop([fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), seeds])(
    'side by side, the parts make up the whole',
    (rows, left, right, seed) => {
      const cols = left + right;
      const x = normals(seed, rows * cols);
      const [a, b] = [new Float32Array(rows * left), new Float32Array(rows * right)];
      columns(a, x, 0, left, rows, cols);
      columns(b, x, left, cols, rows, cols);
      const joined = Array.from({ length: rows }, (_, row) => [
        ...a.slice(row * left, (row + 1) * left),
        ...b.slice(row * right, (row + 1) * right),
      ]);
      expect(joined.flat()).toEqual([...x]);
    },
  );

  it('takes from `from` up to but not `to`', () => {
    const out = new Float32Array(4);
    columns(out, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 1, 3, 2, 4);
    expect([...out]).toEqual([2, 3, 6, 7]);
  });
});
