import ndarray from '@stdlib/ndarray/ctor/lib/index.js';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../src/errors.ts';
import { fromNdarray, toNdarray } from '../../src/tensor/ndarray.ts';
import { numel } from '../../src/tensor/shape.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { normals, seeds } from '../arbitraries.ts';

/** Of scalars and of empty arrays too. */
const someShape = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });

const views = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });

/** Every index of `shape`, last axis fastest. */
function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (before, size) => before.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );
}

describe('toNdarray', () => {
  test.prop([someShape, seeds])('reads the same element at every index', (shape, seed) => {
    const t = tensor(normals(seed, numel(shape)), shape);
    const x = toNdarray(t);
    expect(Array.from(x.shape)).toEqual(shape);
    expect(indices(shape).map((index) => x.get(...index))).toEqual([...t.data]);
  });

  test.prop([someShape, seeds])('shares its memory, there and back', (shape, seed) => {
    const t = tensor(normals(seed, numel(shape)), shape);
    const back = fromNdarray(toNdarray(t));
    expect(back).toEqual({ data: t.data, shape });
    t.data.fill(42);
    expect([...back.data]).toEqual([...t.data]);
  });
});

describe('fromNdarray', () => {
  test.prop([views, seeds, fc.nat(3), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.boolean()])(
    'reads transposed, reversed and offset views as their indices say',
    (shape, seed, padding, reversed, transposed) => {
      const order = shape.map((_, axis) => axis);
      if (transposed) order.reverse();
      // Strides of the axes as they lie in memory, then turned round where an axis runs backwards.
      const strides = shape.map(() => 0);
      let step = 1;
      for (const axis of order.toReversed()) {
        strides[axis] = step;
        step *= shape[axis];
      }
      let offset = padding;
      for (const [axis, size] of shape.entries()) {
        if (!reversed[axis]) continue;
        offset += strides[axis] * (size - 1);
        strides[axis] = -strides[axis];
      }
      const view = new ndarray('float32', normals(seed, numel(shape) + padding), shape, strides, offset, 'row-major');
      const t = fromNdarray(view);
      expect(t.shape).toEqual(shape);
      expect([...t.data]).toEqual(indices(shape).map((index) => view.get(...index)));
    },
  );

  it('refuses another dtype, naming it', () => {
    const doubles = new ndarray('float64', new Float64Array(2), [2], [1], 0, 'row-major');
    expect(() => fromNdarray(doubles)).toThrow(ShapeError);
    expect(() => fromNdarray(doubles)).toThrow('float64');
  });
});
