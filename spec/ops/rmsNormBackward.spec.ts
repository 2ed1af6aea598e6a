import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { rmsNorm } from '../../src/ops/rmsNorm.ts';
import { rmsNormBackward } from '../../src/ops/rmsNormBackward.ts';
import { seeds } from '../arbitraries.ts';
import { doubles, expectDerivative, inner } from './differences.ts';

const rows = fc.integer({ min: 1, max: 4 });
const cols = fc.integer({ min: 1, max: 12 });

describe('the backward of rmsNorm', () => {
  test.prop([rows, cols, seeds, fc.constantFrom(1e-6, 1e-5, 0.5)], { numRuns: 40 })(
    'is what differences of the forward say',
    (height, width, seed, eps) => {
      const x = doubles(seed, height * width).map((value) => value + Math.sign(value) * 0.2);
      const weight = doubles(seed + 1, width);
      const dy = doubles(seed + 2, height * width);
      const loss = (): number => {
        const y = new Float64Array(x.length);
        rmsNorm(y, x, weight, eps, height, width);
        return inner(y, dy);
      };
      const [dx, dWeight] = [new Float64Array(x.length), new Float64Array(width)];
      rmsNormBackward(dx, dWeight, dy, x, weight, eps, height, width);
      expectDerivative(dx, loss, x);
      expectDerivative(dWeight, loss, weight);
    },
  );

  test.prop([rows, cols, seeds])(
    'has no part along x where eps is 0: a longer row is normed the same',
    (height, width, seed) => {
      const x = doubles(seed, height * width).map((value) => value + Math.sign(value) * 0.2);
      const dx = new Float64Array(x.length);
      rmsNormBackward(
        dx,
        new Float64Array(width),
        doubles(seed + 1, x.length),
        x,
        doubles(seed + 2, width),
        0,
        height,
        width,
      );
      for (let row = 0; row < height; row++) {
        const part = [row * width, (row + 1) * width] as const;
        expect(Math.abs(inner(dx.slice(...part), x.slice(...part)))).toBeLessThan(1e-12 * width);
      }
    },
  );
});
