import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { errorAfter, errorBefore, errorRounding, type Change } from '../../src/repair/fitError.ts';
import { NormalEquations, type FitShape } from '../../src/repair/normalEquations.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';
import { problems, squaresLeft, sumsOf } from './fits.ts';

/** Some change, good or bad. */
function change({ inputs, outputs, bias }: FitShape, seed: number): Change {
  const rng = seededRng(seed);
  const draw = (length: number): Float64Array => Float64Array.from({ length }, () => rng.normal());
  return { weight: draw(inputs * outputs), bias: bias ? draw(outputs) : null };
}

const none = (shape: FitShape): Change => ({
  weight: new Float64Array(shape.inputs * shape.outputs),
  bias: shape.bias ? new Float64Array(shape.outputs) : null,
});

describe('the error of a change', () => {
  test.prop([problems, seeds])('is that of the rows, as far as the sums’ rounding lets it', ({ fit }, seed) => {
    const [sums, some] = [sumsOf(fit, 7), change(fit.shape, seed)];
    const limit = 1.001 * errorRounding(sums, some) + 1e-40;
    expect(Math.abs(errorAfter(sums, some) - squaresLeft(fit, some))).toBeLessThanOrEqual(limit);
  });

  test.prop([problems, seeds])('is that of the rows to 1e-10 where the sums are f64', ({ fit }, seed) => {
    const [sums, some] = [sumsOf(fit, 7, true), change(fit.shape, seed)];
    // The bound for f32, less 2²⁹ for f64's digits, plus some for the many terms.
    const limit = errorRounding(sums, some) * 2 ** -20 + 1e-40;
    expect(Math.abs(errorAfter(sums, some) - squaresLeft(fit, some))).toBeLessThanOrEqual(limit);
  });

  test.prop([problems])('of none is what it was', ({ fit }) => {
    const sums = sumsOf(fit);
    expect(errorAfter(sums, none(fit.shape))).toBe(errorBefore(sums));
    expect(errorBefore(sums)).toBe(sums.squares.reduce((a, b) => a + b, 0));
  });

  it('does not go below 0 by rounding', () => {
    const sums = new NormalEquations({ inputs: 1, outputs: 1, bias: false });
    // ‖A‖² = 1, ‖R‖² = 1, ⟨A, R⟩ a little over 1, which no rows have.
    sums.add(Float64Array.of(1, 1.001, 1.001, 1), 1);
    expect(errorAfter(sums, { weight: Float64Array.of(1), bias: null })).toBe(0);
  });
});
