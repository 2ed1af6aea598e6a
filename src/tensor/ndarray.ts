/**
 * Interop with @stdlib/ndarray at the public boundary: results can be handed to stdlib's statistics
 * and plotting and come back. Never used inside the engine: element access through an ndarray is
 * some fifteen times slower than indexing the typed array.
 */
import ndarray from '@stdlib/ndarray/ctor/lib/index.js';
import { ShapeError } from '../errors.ts';
import { numel, rowMajorStrides } from './shape.ts';
import { tensor, type Tensor } from './tensor.ts';

/** The part of a stdlib ndarray that interop needs; any float32 ndarray fits. */
export interface NdarrayLike {
  readonly data: Float32Array;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  get(...indices: number[]): number;
}

/**
 * A stdlib ndarray (float32, row-major) over the tensor's own memory: no copy, writes are seen by
 * both.
 */
export function toNdarray(t: Tensor): NdarrayLike {
  return new ndarray('float32', t.data, t.shape, rowMajorStrides(t.shape), 0, 'row-major');
}

/**
 * A tensor from a float32 ndarray: shares the memory where the ndarray is contiguous and row-major,
 * copies where it is a transposed, strided or offset view.
 * @throws ShapeError when the dtype is not float32.
 */
export function fromNdarray(x: NdarrayLike): Tensor {
  if (x.dtype !== 'float32') {
    throw new ShapeError(`expected a float32 ndarray, got ${x.dtype}.`, { remedy: 'Convert it first.' });
  }
  const shape = [...x.shape];
  const strides = rowMajorStrides(shape);
  const count = numel(shape);
  const contiguous = shape.every((size, axis) => size === 1 || x.strides[axis] === strides[axis]);
  if (contiguous && x.offset >= 0) return tensor(x.data.subarray(x.offset, x.offset + count), shape);
  const data = new Float32Array(count);
  for (let flat = 0; flat < count; flat++) {
    let rest = flat;
    let at = x.offset;
    for (const [axis, stride] of strides.entries()) {
      at += Math.floor(rest / stride) * x.strides[axis];
      rest %= stride;
    }
    data[flat] = x.data[at];
  }
  return tensor(data, shape);
}
