import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { correctionOf, changeOf } from '../../src/repair/correction.ts';
import { errorAfter, errorBefore, errorRounding } from '../../src/repair/fitError.ts';
import { afterBranch, branchOutput } from '../../src/repair/replaceMe.ts';
import { ridgeSystem, solveRidge } from '../../src/repair/ridge.ts';
import { drawn, largest, problems, shapes, sumsOf, type Rows } from './fits.ts';
import { seeds } from '../arbitraries.ts';

/** Rows of M = A W. */
function outputs({ shape, count, a, r }: Rows, weight: Float32Array): Rows {
  const m = new Float64Array(count * shape.outputs);
  for (let row = 0; row < count; row++) {
    for (let output = 0; output < shape.outputs; output++) {
      for (let i = 0; i < shape.inputs; i++) {
        m[row * shape.outputs + output] += a[row * shape.inputs + i] * weight[output * shape.inputs + i];
      }
    }
  }
  return { shape: { ...shape, inputs: shape.outputs }, count, a: m, r };
}

describe('branchOutput', () => {
  test.prop([problems])('are the sums over rows of M = A W', ({ fit, weight }) => {
    const branch = branchOutput(sumsOf(fit, fit.count, true), weight);
    const expected = sumsOf(outputs(fit, weight), fit.count, true);
    expect(branch.shape).toEqual(expected.shape);
    expect(branch.rows).toBe(fit.count);
    const pairs = [
      [branch.gram, expected.gram],
      [branch.cross, expected.cross],
      [branch.inputSums, fit.shape.bias ? expected.inputSums : expected.inputSums.map(() => 0)],
      [branch.outputSums, expected.outputSums],
    ];
    const size = largest(sumsOf(fit).gram) * largest(Float64Array.from(weight)) ** 2 * fit.shape.inputs ** 2;
    for (const [some, other] of pairs) {
      const limit = 1e-12 * (size + largest(other) + largest(expected.gram));
      for (const [index, value] of some.entries()) expect(Math.abs(value - other[index])).toBeLessThanOrEqual(limit);
    }
  });
});

describe('afterBranch', () => {
  test.prop([problems])('adds W X: X after the branch’s output', ({ fit, weight, heldOut }) => {
    const { inputs, outputs: count } = fit.shape;
    const map = Float64Array.from({ length: count * count }, (_, i) => heldOut.r[i % heldOut.r.length]);
    const change = afterBranch(map, weight, count);
    for (let c = 0; c < count; c++) {
      for (let i = 0; i < inputs; i++) {
        let sum = 0;
        for (let m = 0; m < count; m++) sum += map[c * count + m] * weight[m * inputs + i];
        expect(Math.abs(change[c * inputs + i] - sum)).toBeLessThanOrEqual(1e-12 * (1 + largest(map)) * count * 10);
      }
    }
  });
});

describe('the forms', () => {
  test.prop([shapes, seeds])('fit no worse than nothing, and refit no worse than replaceme', (shape, seed) => {
    const { fit, weight } = drawn(shape, seed, 'plain', 0.5);
    const sums = sumsOf(fit, fit.count, true);
    const left = (form: 'refit' | 'replaceme'): number => {
      const correction = correctionOf(form, sums, weight);
      const system = ridgeSystem(correction.features, 1e-10);
      if (system === null) throw new Error('not positive definite');
      const change = changeOf(correction, sums, solveRidge(system, correction.features));
      return errorAfter(sums, change) - 2 ** -20 * errorRounding(sums, change);
    };
    const before = errorBefore(sums);
    expect(left('refit')).toBeLessThanOrEqual(left('replaceme') + 1e-6 * before);
    expect(left('replaceme')).toBeLessThanOrEqual(before);
  });

  test.prop([problems])('change nothing with a ridge towards infinity', ({ fit, weight }) => {
    const sums = sumsOf(fit);
    for (const form of ['refit', 'replaceme'] as const) {
      const correction = correctionOf(form, sums, weight);
      const system = ridgeSystem(correction.features, 1e12);
      if (system === null) continue;
      const { weight: change } = changeOf(correction, sums, solveRidge(system, correction.features));
      expect(largest(change)).toBeLessThanOrEqual(1e-6);
    }
  });
});
