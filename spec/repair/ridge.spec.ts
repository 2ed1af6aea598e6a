import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { FitShape, FitSums } from '../../src/repair/normalEquations.ts';
import { conditionOf, ridgeSystem, solveRidge, type RidgeSystem } from '../../src/repair/ridge.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';
import { largest, problems, shapes, sumsOf, type Rows } from './fits.ts';

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

/** A system that is known to have a solution. */
function systemOf(sums: FitSums, ridge: number): RidgeSystem {
  const system = ridgeSystem(sums, ridge);
  if (system === null) throw new Error('not positive definite');
  return system;
}

const changeFor = (sums: FitSums, ridge: number): Float64Array => solveRidge(systemOf(sums, ridge), sums);

/** A copy of sums, less the product of the means where there is a bias: written out once more. */
function centredPlainly({ shape, rows, inputSums }: FitSums, products: Float64Array, sums: Float64Array): Float64Array {
  return products.map((value, index) => {
    const [row, column] = [Math.floor(index / shape.inputs), index % shape.inputs];
    return shape.bias ? value - (sums[row] * inputSums[column]) / rows : value;
  });
}

describe('solveRidge', () => {
  test.prop([shapes, seeds])('recovers X to 1e-9 where R = A X, with a vanishing ridge', (shape, seed) => {
    const { rows, x } = spanned(shape, 4 * shape.inputs + 8, seed);
    const change = changeFor(sumsOf(rows, 7, true), 1e-12);
    for (const [index, value] of x.entries()) expect(Math.abs(change[index] - value)).toBeLessThan(1e-9);
  });

  test.prop([problems, fc.constantFrom(0.001, 0.03, 1, 10)])(
    'is where the penalised objective has gradient 0',
    ({ fit }, ridge) => {
      const sums = sumsOf(fit, fit.count, true);
      const { inputs, outputs } = fit.shape;
      const matrix = centredPlainly(sums, sums.gram, sums.inputSums);
      const right = centredPlainly(sums, sums.cross, sums.outputSums);
      const system = ridgeSystem(sums, ridge);
      // One input that never varies, beside a bias: there is nothing to solve.
      fc.pre(system !== null && system.lambda > 1e-12 * largest(sums.gram));
      const change = solveRidge(systemOf(sums, ridge), sums);
      const lambda = systemOf(sums, ridge).lambda;
      for (let output = 0; output < outputs; output++) {
        for (let i = 0; i < inputs; i++) {
          let gradient = lambda * change[output * inputs + i] - right[output * inputs + i];
          // With what cancelled when the sums were centred.
          let size = Math.abs(gradient) + Math.abs(sums.cross[output * inputs + i]) + 1e-300;
          for (let j = 0; j < inputs; j++) {
            const term = matrix[i * inputs + j] * change[output * inputs + j];
            gradient += term;
            size += Math.abs(term);
          }
          // Off by the solver's rounding, which is relative to the row's and the system's size.
          const scale = size + inputs * largest(matrix) * largest(change);
          expect(Math.abs(gradient)).toBeLessThanOrEqual(1e-12 * scale);
        }
      }
    },
  );

  test.prop([shapes, seeds, fc.integer({ min: 0, max: 6 })])(
    'with a ridge towards infinity changes nothing',
    (shape, seed, power) => {
      const { rows, x } = spanned(shape, 50, seed);
      const factor = 1e6 * 10 ** power;
      // |Δ| = |(AᵀA + λ I)⁻¹ AᵀA X| ≤ |X| ‖AᵀA‖ / λ, and the norm is at most the trace.
      const bound = (largest(x) * shape.inputs ** 1.5 * 1.01) / factor;
      expect(largest(changeFor(sumsOf(rows), factor))).toBeLessThanOrEqual(bound);
    },
  );

  test.prop([problems])('is 0 to the bit where nothing is missing', ({ fit }) => {
    const sums = sumsOf({ ...fit, r: fit.r.map(() => 0) });
    const system = ridgeSystem(sums, 1);
    fc.pre(system !== null);
    if (system !== null) expect(solveRidge(system, sums).every((value) => value === 0)).toBe(true);
  });

  test.prop([shapes, seeds])('leaves inputs alone that are always 0', (shape, seed) => {
    const { rows } = spanned({ ...shape, inputs: shape.inputs + 1 }, 60, seed);
    const dead = { ...rows, a: rows.a.map((value, index) => (index % rows.shape.inputs === 0 ? 0 : value)) };
    const change = changeFor(sumsOf(dead), 0.1);
    for (let c = 0; c < shape.outputs; c++) expect(change[c * rows.shape.inputs]).toBe(0);
  });

  it('is a number over a number for one input', () => {
    const rows = { shape: { inputs: 1, outputs: 1, bias: false }, count: 2 };
    const sums = sumsOf({ ...rows, a: Float64Array.of(1, 1), r: Float64Array.of(3, 5) });
    // AᵀA = 2, λ = 0.5 · 2, AᵀR = 8.
    expect(changeFor(sums, 0.5)[0]).toBeCloseTo(8 / 3, 14);
  });

  it('leaves the mean to the bias where there is one', () => {
    const shape = { inputs: 1, outputs: 1, bias: true };
    const sums = sumsOf({ shape, count: 2, a: Float64Array.of(1, 3), r: Float64Array.of(107, 109) });
    // Centred: A = ∓1, R = ∓1, so AᵀA = 2, AᵀR = 2, λ = 2.
    expect(changeFor(sums, 1)[0]).toBeCloseTo(0.5, 14);
  });
});

describe('ridgeSystem', () => {
  test.prop([problems])('is solvable wherever inputs vary and the ridge is over the rounding', ({ fit }) => {
    const sums = sumsOf(fit, 5);
    fc.pre(!fit.shape.bias && sums.gram.some((value) => value > 0));
    expect(ridgeSystem(sums, 1.01 * fit.shape.inputs * 2 ** -24)).not.toBeNull();
  });

  it('is not there where all inputs are 0', () => {
    const shape = { inputs: 2, outputs: 1, bias: false };
    expect(ridgeSystem(sumsOf({ shape, count: 1, a: Float64Array.of(0, 0), r: Float64Array.of(1) }), 1)).toBeNull();
  });

  it('has a condition that its ridge bounds: 1 + trace / λ at most, times √n for the norm', () => {
    const shape = { inputs: 3, outputs: 1, bias: false };
    const rows = { shape, count: 2, a: Float64Array.of(1, 1, 1, 1, 1, 1), r: Float64Array.of(1, 1) };
    // AᵀA is 2 everywhere; with λ = 2 · factor its eigenvalues are 6 + λ, λ, λ.
    const condition = conditionOf(systemOf(sumsOf(rows), 0.01));
    expect(condition).toBeGreaterThan(300);
    expect(condition).toBeLessThan(1.01 * (1 + 6 / 0.02) * 3);
  });
});
