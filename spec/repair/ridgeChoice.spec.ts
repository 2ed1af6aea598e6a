import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { changeOf, correctionOf } from '../../src/repair/correction.ts';
import { errorAdded } from '../../src/repair/fitError.ts';
import { ridgeSystem, solveRidge } from '../../src/repair/ridge.ts';
import { chooseRidge } from '../../src/repair/ridgeChoice.ts';
import { seeds } from '../arbitraries.ts';
import { drawn, problems, shapes, sumsOf, type Drawn } from './fits.ts';

/** Wider than the default, so that the walk has somewhere to go. */
const grid = [0.03, 0.1, 0.3, 1, 3, 10];

/**
 * What each factor adds to the held-out error, by the definition; null where it has no solution.
 */
function everyFactor({ fit, heldOut, weight }: Drawn, factors: readonly number[]): (number | null)[] {
  const [sums, judges] = [sumsOf(fit), sumsOf(heldOut)];
  const correction = correctionOf('refit', sums, weight);
  return factors.map((factor) => {
    const system = ridgeSystem(sums, factor);
    return system && errorAdded(judges, changeOf(correction, sums, solveRidge(system, sums)));
  });
}

async function chosen({ fit, heldOut, weight }: Drawn, factors: readonly number[]): Promise<number | null> {
  const choice = await chooseRidge(factors, correctionOf('refit', sumsOf(fit), weight), sumsOf(heldOut));
  return choice && choice.ridge;
}

describe('chooseRidge', () => {
  test.prop([problems])('takes a factor that does better than its neighbours', async (problem) => {
    const errors = everyFactor(problem, grid);
    const factor = await chosen(problem, grid);
    if (factor === null) {
      expect(errors).toEqual(grid.map(() => null));
      return;
    }
    const at = grid.indexOf(factor);
    const error = errors[at] ?? NaN;
    expect(error).toBeLessThanOrEqual(errors[at - 1] ?? Infinity);
    expect(error).toBeLessThanOrEqual(errors[at + 1] ?? Infinity);
  });

  test.prop([shapes, seeds, fc.double({ min: 0, max: 1, noNaN: true })])(
    'takes the best of all where the error has one valley',
    async (shape, seed, noise) => {
      const problem = drawn(shape, seed, 'plain', noise);
      const errors = everyFactor(problem, grid).map((error) => error ?? NaN);
      const least = errors.indexOf(Math.min(...errors));
      const oneValley = errors.every(
        (error, i) => i === 0 || (i <= least ? error < errors[i - 1] : error > errors[i - 1]),
      );
      fc.pre(oneValley);
      expect(await chosen(problem, grid)).toBe(grid[least]);
    },
  );

  test.prop([problems, fc.integer({ min: 1, max: 6 })])(
    'takes the middle of the grid where nothing is held out',
    async ({ fit, weight }, length) => {
      const choice = await chooseRidge(grid.slice(0, length), correctionOf('refit', sumsOf(fit), weight), null);
      if (choice !== null) expect(choice.ridge).toBe(grid[length >> 1]);
    },
  );

  it('goes on to stronger ridges until one has a solution', async () => {
    const shape = { inputs: 2, outputs: 1, bias: false };
    const rows = { shape, count: 2, a: Float64Array.of(1, 1, 2, 2), r: Float64Array.of(1, 2) };
    // Two equal inputs: what such a small ridge adds to 5 is lost in f64.
    const factors = [1e-30, 1e-25, 1e-20, 1];
    const correction = correctionOf('refit', sumsOf(rows), new Float32Array(2));
    expect((await chooseRidge(factors, correction, sumsOf(rows)))?.ridge).toBe(1);
    expect(await chooseRidge(factors.slice(0, 3), correction, sumsOf(rows))).toBeNull();
  });
});
