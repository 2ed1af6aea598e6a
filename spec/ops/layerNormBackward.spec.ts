import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { layerNorm } from '../../src/ops/layerNorm.ts';
import { layerNormBackward } from '../../src/ops/layerNormBackward.ts';
import { seeds } from '../arbitraries.ts';
import { doubles, expectDerivative, inner } from './differences.ts';

const rows = fc.integer({ min: 1, max: 4 });
const cols = fc.integer({ min: 2, max: 12 });

/** Rows whose spread is not near zero, with an offset. */
function spread(seed: number, height: number, width: number): Float64Array {
  return doubles(seed, height * width).map((value, i) => 0.3 * value + 3 * (i % 2) + 5);
}

describe('the backward of layerNorm', () => {
  test.prop([rows, cols, seeds, fc.constantFrom(1e-5, 0.5)], { numRuns: 40 })(
    'is what differences of the forward say',
    (height, width, seed, eps) => {
      const x = spread(seed, height, width);
      const [weight, bias] = [doubles(seed + 1, width), doubles(seed + 2, width)];
      const dy = doubles(seed + 3, x.length);
      const loss = (): number => {
        const y = new Float64Array(x.length);
        layerNorm(y, x, weight, bias, eps, height, width);
        return inner(y, dy);
      };
      const [dx, dWeight, dBias] = [new Float64Array(x.length), new Float64Array(width), new Float64Array(width)];
      layerNormBackward(dx, dWeight, dBias, dy, x, weight, eps, height, width);
      expectDerivative(dx, loss, x);
      expectDerivative(dWeight, loss, weight);
      expectDerivative(dBias, loss, bias);
    },
  );

  test.prop([rows, cols, seeds])('adds up to 0 over a row: an offset is not seen', (height, width, seed) => {
    const x = spread(seed, height, width);
    const dx = new Float64Array(x.length);
    const [dWeight, dBias] = [new Float64Array(width), new Float64Array(width)];
    layerNormBackward(
      dx,
      dWeight,
      dBias,
      doubles(seed + 1, x.length),
      x,
      doubles(seed + 2, width),
      1e-5,
      height,
      width,
    );
    for (let row = 0; row < height; row++) {
      const sum = dx.slice(row * width, (row + 1) * width).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum)).toBeLessThan(1e-10 * width);
    }
  });
});
