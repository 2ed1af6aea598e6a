import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { FitShape, FitSums } from '../../src/repair/normalEquations.ts';
import { ridgeSystem, solveRidge } from '../../src/repair/ridge.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';
import { shapes, sumsOf, type Rows } from './fits.ts';

/** Rows whose R is A X plus a constant where there is a bias, and nothing else. */
function spanned(shape: FitShape, count: number, seed: number): { rows: Rows; x: Float64Array } {
  const rng = seededRng(seed);
  const { inputs, outputs, bias } = shape;
  const a = Float64Array.from({ length: count * inputs }, () => rng.normal());
  const x = Float64Array.from({ length: outputs * inputs }, () => rng.normal());
  const constants = Float64Array.from({ length: outputs }, () => (bias ? 10 * rng.normal() : 0));
  const r = Float64Array.from({ length: count * outputs }, (_, index) => {
    const [row, output] = [Math.floor(index / outputs), index % outputs];
    let sum = constants[output];
    for (let i = 0; i < inputs; i++) sum += a[row * inputs + i] * x[output * inputs + i];
    return sum;
  });
  return { rows: { shape, count, a, r }, x };
}

/** Δᵀ of a system that has one. */
function changeFor(sums: FitSums, ridge: number): Float64Array {
  const system = ridgeSystem(sums, ridge);
  if (system === null) throw new Error('not positive definite');
  return solveRidge(system, sums);
}

describe('solveRidge', () => {
  test.prop([shapes, seeds])('recovers X to 1e-9 where R = A X, with a vanishing ridge', (shape, seed) => {
    const { rows, x } = spanned(shape, 4 * shape.inputs + 8, seed);
    const change = changeFor(sumsOf(rows, 7, true), 1e-12);
    for (const [index, value] of x.entries()) expect(Math.abs(change[index] - value)).toBeLessThan(1e-9);
  });

  test.prop([shapes, seeds, fc.integer({ min: 0, max: 6 })])(
    'with a ridge of (nearly) infinity changes nothing',
    (shape, seed, power) => {
      const { rows, x } = spanned(shape, 50, seed);
      const factor = 1e6 * 10 ** power;
      const largest = Math.max(...x.map(Math.abs));
      const change = changeFor(sumsOf(rows), factor);
      // |Δ| = |(AᵀA + λ I)⁻¹ AᵀA X| ≤ |X| ‖AᵀA‖ / λ, and the norm is at most the trace.
      const bound = (largest * shape.inputs ** 1.5 * 1.01) / factor;
      expect(Math.max(...change.map(Math.abs))).toBeLessThanOrEqual(bound);
    },
  );
});
