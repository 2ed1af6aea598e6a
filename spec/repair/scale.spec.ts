import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { fitScale, type StreamSums } from '../../src/repair/scale.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';

/** Sums over two streams that have something in common, and ‖H* − a H‖² from their elements. */
function streams(seed: number, shared: number): { sums: StreamSums; left: (scale: number) => number } {
  const rng = seededRng(seed);
  const pruned = Array.from({ length: 30 }, () => rng.normal());
  const dense = pruned.map((value) => shared * value + rng.normal());
  const product = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i], 0);
  return {
    sums: {
      rows: 3,
      dense: product(dense, dense),
      product: product(dense, pruned),
      pruned: product(pruned, pruned),
    },
    left: (scale) => dense.reduce((sum, value, i) => sum + (value - scale * pruned[i]) ** 2, 0),
  };
}

const shares = fc.double({ min: -2, max: 2, noNaN: true });

describe('fitScale', () => {
  test.prop([seeds, shares, fc.double({ min: -0.5, max: 0.5, noNaN: true })])(
    'is the best of all positive numbers on the rows of the fit',
    (seed, share, away) => {
      const { sums, left } = streams(seed, share);
      const { scale, figures } = fitScale(sums, null);
      fc.pre(sums.product > 0);
      expect(left(scale)).toBeLessThanOrEqual(left(scale + away) + 1e-9);
      expect(figures.error?.before).toBeCloseTo(left(1) / 3, 9);
      expect(figures.error?.after).toBeCloseTo(left(scale) / 3, 9);
      expect(figures).toMatchObject({ rows: 3, heldOutRows: 0, factor: 0, kept: null, condition: 1, heldOut: null });
    },
  );

  test.prop([seeds, seeds, shares, shares])('never makes the held-out error larger', (seed, other, share, another) => {
    const [fit, judges] = [streams(seed, share), streams(other, another)];
    const { scale, figures } = fitScale(fit.sums, judges.sums);
    expect(judges.left(scale)).toBeLessThanOrEqual(judges.left(1) + 1e-9);
    expect(scale === 1).toBe(figures.kept !== null);
    expect(scale).toBeGreaterThan(0);
    expect(figures.heldOut?.after).toBeCloseTo(judges.left(scale) / 3, 9);
  });

  it.each([
    ['its activations are not finite', { rows: 1, dense: Infinity, product: 1, pruned: 1 }],
    ['its activations are not finite', { rows: 1, dense: 1, product: NaN, pruned: 1 }],
    ['its stream is all 0', { rows: 1, dense: 1, product: 0, pruned: 0 }],
    ['the best scale is not positive', { rows: 1, dense: 1, product: -1, pruned: 1 }],
    ['its error on the rows of the fit does not shrink', { rows: 1, dense: 1, product: 1, pruned: 1 }],
  ])('is 1 where %s', (kept, sums) => {
    const { scale, figures } = fitScale(sums, null);
    expect([scale, figures.kept, figures.factor, figures.condition]).toEqual([1, kept, null, null]);
    expect(figures.error === null).toBe(kept.includes('finite'));
  });

  it('needs rows', () => {
    const none = { rows: 0, dense: 0, product: 0, pruned: 0 };
    expect(() => fitScale(none, null)).toThrow('the sums hold no rows.');
    expect(() => fitScale({ rows: 1, dense: 1, product: 1, pruned: 1 }, none)).toThrow('the sums hold no rows.');
  });
});
