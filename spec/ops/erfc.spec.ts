import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { erfc } from '../../src/ops/erfc.ts';
import { erfcOracle } from '../contract/oracles.ts';

/** x and erfc(x), from the series in 80-digit decimal arithmetic (beyond 8: from a C library). */
const values: [x: number, erfc: number][] = [
  [0, 1],
  [0.001, 0.9988716212090307],
  [-0.001, 1.0011283787909693],
  [0.1, 0.8875370839817152],
  [0.5, 0.4795001221869535],
  [-0.5, 1.5204998778130465],
  [1, 0.15729920705028513],
  [-1, 1.8427007929497148],
  [1.4, 0.04771488023735119],
  [1.5, 0.033894853524689274],
  [1.6, 0.023651616655355992],
  [2, 0.004677734981047266],
  [-2, 1.9953222650189528],
  [3, 2.209049699858544e-5],
  [5, 1.537459794428035e-12],
  [8, 1.1224297172982926e-29],
  [12, 1.3562611692059042e-64],
  [20, 5.3958656116079005e-176],
  [26, 5.663192408856143e-296],
];

describe('erfc', () => {
  it.each(values)('erfc(%d) = %d to 13 digits', (x, expected) => {
    expect(Math.abs(erfc(x) / expected - 1)).toBeLessThan(1e-13);
  });

  test.prop([fc.double({ min: -6, max: 20, noNaN: true })])('agrees with the trapezoidal rule', (x) => {
    expect(Math.abs(erfc(x) / erfcOracle(x) - 1)).toBeLessThan(1e-12);
  });

  test.prop([fc.double({ min: -30, max: 30, noNaN: true })])('mirrors: erfc(x) + erfc(−x) = 2', (x) => {
    expect(erfc(x) + erfc(-x)).toBeCloseTo(2, 14);
  });

  test.prop([fc.double({ min: -6, max: 26, noNaN: true }), fc.double({ min: 1e-6, max: 1, noNaN: true })])(
    'falls, also across the seam of its two forms',
    (x, step) => {
      expect(erfc(x + step)).toBeLessThanOrEqual(erfc(x));
      expect(erfc(1.5 + step * 1e-6)).toBeLessThan(erfc(1.5 - step * 1e-6));
    },
  );

  it('ends at 2 and 0', () => {
    expect([erfc(-Infinity), erfc(-40), erfc(40), erfc(Infinity)]).toEqual([2, 2, 0, 0]);
    expect(erfc(NaN)).toBeNaN();
  });
});
