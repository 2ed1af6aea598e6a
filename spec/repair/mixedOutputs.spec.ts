import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { errorAdded } from '../../src/repair/fitError.ts';
import { mixOutputs } from '../../src/repair/mixedOutputs.ts';
import { ridgeSystem, solveRidge } from '../../src/repair/ridge.ts';
import { seeds } from '../arbitraries.ts';
import { drawn, largest, problems, sumsOf } from './fits.ts';

describe('mixOutputs', () => {
  test.prop([problems, fc.integer({ min: 1, max: 4 })])(
    'mixes the solutions as it mixes the outputs',
    ({ fit, heldOut }, count) => {
      const sums = sumsOf(fit);
      const system = ridgeSystem(sums, 0.3);
      fc.pre(system !== null && fit.shape.outputs > count);
      if (system === null) return;
      // A solution looked at as sums is mixed by the same signs.
      const solution = { ...sumsOf(heldOut), cross: solveRidge(system, sums) };
      const mixed = solveRidge(system, mixOutputs(sums, count));
      const expected = mixOutputs(solution, count).cross;
      const limit = 1e-9 * (1 + largest(solution.cross)) * fit.shape.outputs;
      for (const [index, value] of mixed.entries()) expect(Math.abs(value - expected[index])).toBeLessThan(limit);
    },
  );

  test.prop([problems])('leaves sums alone that have no more outputs', ({ fit }) => {
    const sums = sumsOf(fit);
    expect(mixOutputs(sums, fit.shape.outputs)).toBe(sums);
  });

  test.prop([seeds], { numRuns: 10 })('keeps the error over all outputs, but for chance', (seed) => {
    // Noise is fitted to noise: each output's error shrinks a little, independently of the others.
    const { fit, heldOut } = drawn({ inputs: 30, outputs: 300, bias: false }, seed, 'plain', 1);
    const [sums, judges] = [sumsOf(fit), sumsOf(heldOut)];
    const addedOver = (count: number): number => {
      const part = mixOutputs(sums, count);
      const system = ridgeSystem(sums, 0.1);
      if (system === null) throw new Error('not positive definite');
      return errorAdded(mixOutputs(judges, count), { weight: solveRidge(system, part), bias: null });
    };
    const ratio = addedOver(64) / addedOver(300);
    expect(ratio).toBeGreaterThan(0.7);
    expect(ratio).toBeLessThan(1.3);
  });

  it('uses both signs, and every output once', () => {
    const shape = { inputs: 1, outputs: 100, bias: true };
    const { fit } = drawn(shape, 1, 'plain', 0);
    const sums = sumsOf({ ...fit, a: fit.a.fill(1), r: fit.r.map((_, i) => 4 ** ((i % 100) % 3)) });
    const mixed = mixOutputs(sums, 50);
    expect(mixed.shape).toEqual({ inputs: 1, outputs: 50, bias: true });
    const ratios = Array.from(mixed.cross, (value) => value / fit.count);
    // Outputs c and c + 50 have 4^(c % 3) and 4^((c + 50) % 3) in every row.
    for (const [c, value] of ratios.entries()) {
      const [x, y] = [4 ** (c % 3), 4 ** ((c + 50) % 3)];
      expect([x + y, x - y, y - x, -x - y]).toContain(value);
      expect(mixed.outputSums[c]).toBe(mixed.cross[c]);
    }
    expect(ratios.some((value) => value < 0)).toBe(true);
    expect(ratios.some((value) => value > 0)).toBe(true);
  });
});
