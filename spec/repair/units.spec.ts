import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { countedRows, heldOutChunks, rowsOf, unitChunks, unitsOf } from '../../src/repair/units.ts';
import { tinyChunks } from '../prune/tinySearch.ts';

test.prop([fc.integer({ min: 1, max: 40 }), fc.constantFrom(2, 100, 256, 600)])(
  'every chunk is in one unit, among its own kind, in order',
  (count, chunk) => {
    const chunks = tinyChunks(count, count, chunk);
    const units = unitsOf(chunks);
    const heldOut = new Set(heldOutChunks(count));
    const all = units.flatMap((unit) => unit.chunks);
    expect(all.toSorted((a, b) => a - b)).toEqual([...chunks.ids.keys()]);
    expect(all.filter((at) => !heldOut.has(at))).toEqual([...chunks.ids.keys()].filter((at) => !heldOut.has(at)));
    for (const [index, unit] of units.entries()) {
      expect(unit.index).toBe(index);
      expect(unit.chunks.length).toBeLessThanOrEqual(unitChunks(chunk));
      expect(unit.ids).toEqual(unit.chunks.map((at) => chunks.ids[at]));
      expect(rowsOf(unit)).toBe(unit.chunks.length * chunk);
      for (const at of unit.chunks) expect(heldOut.has(at)).toBe(unit.heldOut);
    }
  },
);

describe('chunks', () => {
  it('are held out one in eight, or the last of two to seven', () => {
    expect([1, 2, 7, 8, 15, 16, 24].map(heldOutChunks)).toEqual([[], [1], [6], [7], [7], [7, 15], [7, 15, 23]]);
  });

  it('of 256 tokens go four together, those of 1024 or more alone', () => {
    expect([1, 256, 300, 600, 1024, 2048].map(unitChunks)).toEqual([1024, 4, 3, 1, 1, 1]);
  });
});

it('rows of padding do not count', () => {
  const unit = { index: 0, chunks: [0, 1], ids: [Int32Array.of(1, 2, 3), Int32Array.of(2, 2, 5)], heldOut: false };
  expect(countedRows(unit, 2)).toEqual([true, false, true, false, false, true]);
  expect(countedRows(unit, null)).toEqual([true, true, true, true, true, true]);
});
