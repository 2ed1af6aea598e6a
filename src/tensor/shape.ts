/**
 * Shape arithmetic, by @stdlib/ndarray's dependency-free `base/*` functions (1–2 ms to load; its
 * constructor, which takes 0.2 s, is loaded by ndarray.ts alone).
 */
import stdlibNumel from '@stdlib/ndarray/base/numel/lib/index.js';
import stdlibShape2strides from '@stdlib/ndarray/base/shape2strides/lib/index.js';

/** Number of elements of an array of `shape`; 1 for a scalar's empty shape. */
export function numel(shape: readonly number[]): number {
  return shape.length === 0 ? 1 : stdlibNumel(shape);
}

/** Row-major strides, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  return stdlibShape2strides(shape, 'row-major');
}
