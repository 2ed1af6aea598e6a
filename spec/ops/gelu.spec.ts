import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { gelu, geluErf, geluTanh } from '../../src/ops/gelu.ts';

/** x, the exact GELU and GPT-2's approximation, from 80-digit decimal arithmetic. */
const values: [x: number, erf: number, tanh: number][] = [
  [-12, -2.1317785344932147e-32, -1.635985449353481e-61],
  [-8, -4.976768459417427e-15, -3.1077829375011112e-21],
  [-5, -1.4332578593959695e-6, -2.291796196629506e-7],
  [-3, -0.0040496940948902835, -0.003637392081773019],
  [-1.5, -0.1002108019032871, -0.10042842301976708],
  [-1, -0.15865525393145705, -0.1588080093917233],
  [-0.5, -0.15426876936299344, -0.15428599017485609],
  [-0.001, -0.000499601057786089, -0.000499601057786418],
  [0.001, 0.000500398942213911, 0.000500398942213582],
  [0.5, 0.34573123063700656, 0.34571400982514394],
  [1, 0.8413447460685429, 0.8411919906082767],
  [1.5, 1.399789198096713, 1.3995715769802328],
  [3, 2.99595030590511, 2.996362607918227],
  [5, 4.999998566742141, 4.999999770820381],
];

const numbers = fc.double({ min: -30, max: 30, noNaN: true });

describe('gelu', () => {
  it.each(values)('of %d is %d, and with tanh %d', (x, erf, tanh) => {
    expect(Math.abs(geluErf(x) / erf - 1)).toBeLessThan(1e-13);
    expect(Math.abs(geluTanh(x) / tanh - 1)).toBeLessThan(1e-12);
  });

  test.prop([numbers])('takes what it leaves of −x: gelu(x) − gelu(−x) = x', (x) => {
    expect(geluErf(x) - geluErf(-x)).toBeCloseTo(x, 13);
    expect(geluTanh(x) - geluTanh(-x)).toBeCloseTo(x, 13);
  });

  test.prop([numbers])('lies between 0 and x, and the approximation within 5·10⁻⁴ of it', (x) => {
    for (const value of [geluErf(x), geluTanh(x)]) {
      expect(value).toBeGreaterThanOrEqual(Math.min(0, x));
      expect(value).toBeLessThanOrEqual(Math.max(0, x));
    }
    expect(Math.abs(geluErf(x) - geluTanh(x))).toBeLessThan(5e-4);
  });

  test.prop([fc.array(fc.float({ min: -50, max: 50, noNaN: true }))])(
    'is taken element by element, in place too',
    (list) => {
      for (const [kind, activation] of [
        ['erf', geluErf],
        ['tanh', geluTanh],
      ] as const) {
        const x = Float32Array.from(list);
        const expected = x.map(activation);
        gelu(x, x, kind, x.length);
        expect(x).toEqual(expected);
      }
    },
  );

  it('has limits 0 and x where its terms overflow', () => {
    for (const activation of [geluErf, geluTanh]) {
      expect(activation(-1e30)).toBeCloseTo(0, 20);
      expect(activation(1e30)).toBe(1e30);
    }
  });
});
