import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { linear } from '../../src/ops/linear.ts';
import { columnSums, linearBackwardWeight } from '../../src/ops/linearBackward.ts';
import { transpose } from '../../src/ops/transpose.ts';
import { normals, seeds, sizes } from '../arbitraries.ts';
import { doubles, expectDerivative, inner } from './differences.ts';

const few = sizes.map((size) => Math.min(size, 9));

describe('the backward of linear', () => {
  test.prop([few, few, few, seeds], { numRuns: 40 })(
    'is what differences of the forward say, by weight, bias and x',
    (rows, inn, out, seed) => {
      const x = doubles(seed, rows * inn);
      const weight = doubles(seed + 1, out * inn);
      const bias = doubles(seed + 2, out);
      const dy = doubles(seed + 3, rows * out);
      const loss = (): number => {
        const y = new Float64Array(rows * out);
        linear(y, x, weight, bias, rows, inn, out);
        return inner(y, dy);
      };
      const dWeight = new Float64Array(out * inn);
      linearBackwardWeight(dWeight, dy, x, rows, inn, out);
      expectDerivative(dWeight, loss, weight);
      const dBias = new Float64Array(out);
      columnSums(dBias, dy, rows, out);
      expectDerivative(dBias, loss, bias);
      // By x: linear with the weight turned.
      const [turned, dx] = [new Float64Array(inn * out), new Float64Array(rows * inn)];
      transpose(turned, weight, out, inn);
      linear(dx, dy, turned, null, rows, out, inn);
      expectDerivative(dx, loss, x);
    },
  );

  test.prop([sizes, sizes, sizes, seeds], { numRuns: 30 })(
    'adds up in f64 and rounds once: f32 results are the f64 ones, rounded',
    (rows, inn, out, seed) => {
      const [dy, x] = [normals(seed, rows * out), normals(seed + 1, rows * inn)];
      const [narrow, wide] = [new Float32Array(out * inn), new Float64Array(out * inn)];
      linearBackwardWeight(narrow, dy, x, rows, inn, out);
      linearBackwardWeight(wide, dy, x, rows, inn, out);
      expect(narrow).toEqual(Float32Array.from(wide));
    },
  );

  it('by the weight is an outer product where there is one row', () => {
    const dWeight = new Float64Array(6);
    linearBackwardWeight(dWeight, Float64Array.of(2, 3), Float64Array.of(1, 10, 100), 1, 3, 2);
    expect([...dWeight]).toEqual([2, 20, 200, 3, 30, 300]);
  });
});
