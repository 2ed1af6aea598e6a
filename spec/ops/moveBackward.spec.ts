/**
 * The ops that only move or scale numbers are linear: their backward is their transpose, dy · op(x)
 * = opBackward(dy) · x.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { columns } from '../../src/ops/columns.ts';
import { columnsBackward } from '../../src/ops/columnsBackward.ts';
import { gatherRows } from '../../src/ops/gatherRows.ts';
import { gatherRowsBackward } from '../../src/ops/gatherRowsBackward.ts';
import { scale } from '../../src/ops/scale.ts';
import { transpose } from '../../src/ops/transpose.ts';
import { seeds, sizes } from '../arbitraries.ts';
import { doubles, inner } from './differences.ts';

const ranges = fc
  .tuple(fc.nat(8), fc.integer({ min: 1, max: 8 }), fc.nat(8))
  .map(([from, width, rest]) => ({ from, to: from + width, cols: from + width + rest }));

describe('the backward of columns', () => {
  test.prop([ranges, sizes, seeds])('is its transpose', ({ from, to, cols }, rows, seed) => {
    const [x, dy] = [doubles(seed, rows * cols), doubles(seed + 1, rows * (to - from))];
    const [y, dx] = [new Float64Array(dy.length), new Float64Array(x.length).fill(NaN)];
    columns(y, x, from, to, rows, cols);
    columnsBackward(dx, dy, from, to - from, rows, cols);
    expect(inner(dx, x)).toBeCloseTo(inner(dy, y), 10);
  });
});

describe('the backward of gatherRows', () => {
  test.prop([fc.array(fc.nat(6), { minLength: 1, maxLength: 20 }), sizes, seeds])(
    'is its transpose, ids that repeat included',
    (list, cols, seed) => {
      const ids = Int32Array.from(list);
      const [table, dy] = [doubles(seed, 7 * cols), doubles(seed + 1, ids.length * cols)];
      const [y, dTable] = [new Float64Array(dy.length), new Float64Array(table.length).fill(NaN)];
      gatherRows(y, table, ids, cols);
      gatherRowsBackward(dTable, dy, ids, cols);
      expect(inner(dTable, table)).toBeCloseTo(inner(dy, y), 9);
    },
  );
});

describe('scale and transpose', () => {
  test.prop([sizes, sizes, seeds, fc.double({ min: -4, max: 4, noNaN: true })])(
    'are their own backwards',
    (rows, cols, seed, factor) => {
      const [x, dy] = [doubles(seed, rows * cols), doubles(seed + 1, rows * cols)];
      const [y, back] = [new Float64Array(x.length), new Float64Array(x.length)];
      scale(y, x, factor, x.length);
      expect([...y]).toEqual([...x].map((value) => factor * value));
      transpose(y, x, rows, cols);
      transpose(back, dy, cols, rows);
      expect(inner(back, x)).toBeCloseTo(inner(dy, y), 9);
      transpose(back, y, cols, rows);
      expect(back).toEqual(x);
    },
  );
});
