import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { softmax } from '../../src/ops/softmax.ts';

/** A row of scores up to ±1e4, as outlying activations give. */
const someRow = fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 40 });

function softmaxOf(row: readonly number[]): Float64Array {
  const out = new Float64Array(row.length);
  softmax(out, Float64Array.from(row), 1, row.length);
  return out;
}

describe('softmax', () => {
  test.prop([someRow])('is a distribution: weights in [0, 1] that sum to 1', (row) => {
    const weights = softmaxOf(row);
    expect(weights.every((weight) => weight >= 0 && weight <= 1)).toBe(true);
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });

  test.prop([someRow, fc.double({ min: -1e4, max: 1e4, noNaN: true })])(
    'does not see a shift of all scores',
    (row, shift) => {
      const shifted = softmaxOf(row.map((score) => score + shift));
      for (const [index, weight] of softmaxOf(row).entries()) expect(shifted[index]).toBeCloseTo(weight, 9);
    },
  );

  test.prop([someRow])('keeps the order of the scores', (row) => {
    const weights = softmaxOf(row);
    const order = row.map((_, index) => index).sort((a, b) => row[a] - row[b]);
    for (const [rank, index] of order.entries()) {
      if (rank > 0) expect(weights[index]).toBeGreaterThanOrEqual(weights[order[rank - 1]]);
    }
  });

  test.prop([someRow, fc.double({ min: -3, max: 3, noNaN: true })])(
    'weighs two scores by e to their difference',
    (row, difference) => {
      const max = Math.max(...row);
      const weights = softmaxOf([...row, max, max + difference]);
      expect(weights[row.length + 1] / weights[row.length]).toBeCloseTo(Math.exp(difference), 9);
    },
  );

  test.prop([fc.array(someRow, { minLength: 1, maxLength: 5 })])('treats each row by itself, in place too', (rows) => {
    const cols = Math.min(...rows.map((row) => row.length));
    const stack = Float64Array.from(rows.flatMap((row) => row.slice(0, cols)));
    softmax(stack, stack, rows.length, cols);
    const alone = rows.flatMap((row) => [...softmaxOf(row.slice(0, cols))]);
    expect([...stack]).toEqual(alone);
  });

  it('takes scores of minus infinity as masked out', () => {
    expect([...softmaxOf([0, -Infinity, 0])]).toEqual([0.5, 0, 0.5]);
  });

  it('hands a NaN on to its whole row and to no other', () => {
    const out = new Float32Array(4);
    softmax(out, Float32Array.of(1, NaN, 3, 3), 2, 2);
    expect([...out]).toEqual([NaN, NaN, 0.5, 0.5]);
  });
});
