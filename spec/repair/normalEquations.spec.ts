import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../src/errors.ts';
import { gram } from '../../src/ops/gram.ts';
import { NormalEquations } from '../../src/repair/normalEquations.ts';
import { joined, problems, sumsOf } from './fits.ts';

describe('NormalEquations', () => {
  test.prop([problems])('are the blocks of [A | R | 1]ᵀ[A | R | 1]', ({ fit }) => {
    const sums = sumsOf(fit, fit.count, true);
    const { inputs, outputs, bias } = fit.shape;
    const whole = new Float64Array(sums.width ** 2);
    gram(whole, joined(fit, 0, fit.count), fit.count, sums.width);
    const at = (row: number, column: number): number => whole[row * sums.width + column];
    expect(sums.rows).toBe(fit.count);
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < inputs; j++) expect(sums.gram[i * inputs + j]).toBe(at(i, j));
      for (let c = 0; c < outputs; c++) expect(sums.cross[c * inputs + i]).toBe(at(inputs + c, i));
      expect(sums.inputSums[i]).toBe(bias ? at(sums.width - 1, i) : 0);
    }
    for (let c = 0; c < outputs; c++) {
      expect(sums.squares[c]).toBe(at(inputs + c, inputs + c));
      expect(sums.outputSums[c]).toBe(bias ? at(sums.width - 1, inputs + c) : 0);
    }
  });

  test.prop([problems, fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100 })])(
    'agree to the stated bound however rows are grouped',
    ({ fit }, one, other) => {
      const [first, second, exact] = [sumsOf(fit, one), sumsOf(fit, other), sumsOf(fit, fit.count, true)];
      const { inputs } = fit.shape;
      const size = (i: number): number => exact.gram[i * inputs + i];
      // 2⁻²⁴ √(G_ii G_jj) for either grouping; 10⁻³ of it for f64, and 2⁻¹⁵⁰ where f32 has few
      // bits.
      const bound = (a: number, b: number): number => 1.001 * 2 ** -24 * Math.sqrt(a * b) + fit.count * 2 ** -150;
      for (const [index, value] of exact.gram.entries()) {
        const limit = bound(size(Math.floor(index / inputs)), size(index % inputs));
        expect(Math.abs(first.gram[index] - value)).toBeLessThanOrEqual(limit);
        expect(Math.abs(first.gram[index] - second.gram[index])).toBeLessThanOrEqual(2 * limit);
      }
      for (const [index, value] of exact.cross.entries()) {
        const limit = bound(exact.squares[Math.floor(index / inputs)], size(index % inputs));
        expect(Math.abs(first.cross[index] - value)).toBeLessThanOrEqual(limit);
      }
    },
  );

  it('are finite until a sum is not', () => {
    const shape = { inputs: 1, outputs: 1, bias: true };
    for (let at = 0; at < 8; at++) {
      const values = new Float32Array(9).fill(1);
      const sums = new NormalEquations(shape);
      sums.add(values, 1);
      expect(sums.isFinite).toBe(true);
      values[at] = at % 2 === 0 ? NaN : Infinity;
      sums.add(values, 1);
      // What is read are A'A, R'A, R'R and the row of ones.
      expect(sums.isFinite).toBe(![0, 3, 4, 6, 7].includes(at));
    }
  });

  it('refuse what does not fit them', () => {
    const sums = new NormalEquations({ inputs: 2, outputs: 1, bias: false });
    expect(() => sums.add(new Float32Array(16), 1)).toThrow(
      new ShapeError('a Gram matrix of 3 columns has 9 numbers, not 16.'),
    );
    for (const rows of [0, -1, 1.5, NaN]) {
      expect(() => sums.add(new Float32Array(9), rows)).toThrow(
        new ShapeError(`a Gram matrix is of 1 row or more, not of ${rows}.`),
      );
    }
    expect(sums.rows).toBe(0);
  });
});
