import { ShapeError } from '../errors.ts';
import { numel } from './shape.ts';

/**
 * A dense row-major array of 32-bit floats: the only tensor type of the engine's public surface.
 */
export interface Tensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/**
 * Wraps `data` (not copied) as a tensor of `shape`.
 * @throws ShapeError when the shape's element count is not the data's length.
 */
export function tensor(data: Float32Array, shape: readonly number[]): Tensor {
  if (numel(shape) !== data.length) {
    throw new ShapeError(`shape [${shape.join(', ')}] needs ${numel(shape)} elements, the data has ${data.length}.`);
  }
  return { data, shape };
}
