import stdlibNumel from '@stdlib/ndarray/base/numel/lib/index.js';
import stdlibShape2strides from '@stdlib/ndarray/base/shape2strides/lib/index.js';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../src/errors.ts';
import { numel, rowMajorStrides } from '../../src/tensor/shape.ts';
import { tensor } from '../../src/tensor/tensor.ts';

const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 5 });

describe('numel', () => {
  test.prop([fc.array(fc.nat(6), { minLength: 1, maxLength: 5 })])("equals stdlib's", (shape) => {
    expect(numel(shape)).toBe(stdlibNumel(shape));
  });

  test.prop([shapes, shapes])('multiplies over joined shapes', (a, b) => {
    expect(numel([...a, ...b])).toBe(numel(a) * numel(b));
  });

  it('is 1 for a scalar and 0 where a size is 0', () => {
    expect([numel([]), numel([3, 0, 2]), numel([7])]).toEqual([1, 0, 7]);
  });
});

describe('rowMajorStrides', () => {
  test.prop([fc.array(fc.nat(6), { maxLength: 5 })])("equals stdlib's", (shape) => {
    expect(rowMajorStrides(shape)).toEqual(stdlibShape2strides(shape, 'row-major'));
  });

  test.prop([shapes])('counts the elements after each axis', (shape) => {
    expect([...rowMajorStrides(shape)]).toEqual(shape.map((_, axis) => numel(shape.slice(axis + 1))));
  });
});

describe('tensor', () => {
  test.prop([shapes])('wraps data without a copy', (shape) => {
    const data = new Float32Array(numel(shape));
    const t = tensor(data, shape);
    expect(t.data).toBe(data);
    expect(t.shape).toEqual(shape);
  });

  test.prop([shapes, fc.integer({ min: 1, max: 5 })])('refuses data of another length', (shape, extra) => {
    expect(() => tensor(new Float32Array(numel(shape) + extra), shape)).toThrow(ShapeError);
  });

  it('says both sizes', () => {
    expect(() => tensor(new Float32Array(5), [2, 3])).toThrow('shape [2, 3] needs 6 elements, the data has 5.');
  });
});
