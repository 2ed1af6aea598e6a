/**
 * `blockpruner/ndarray`: interop with @stdlib/ndarray, so that results can be handed to stdlib's
 * statistics and plotting and come back. Nothing else of the package imports this file, and
 * @stdlib/ndarray is an optional peer: whoever uses this entry installs it. Never used inside the
 * engine: element access through an ndarray is some fifteen times slower than indexing the typed
 * array.
 */
import type constructor from '@stdlib/ndarray/ctor' with { 'resolution-mode': 'require' };
import { NotFoundError, ShapeError } from '../errors.ts';
import { numel, rowMajorStrides } from './shape.ts';
import { tensor, type Tensor } from './tensor.ts';

/** The peer that package.json asks for; a spec holds the two together. */
const PEER_VERSION = '0.4';

/** stdlib's own ndarray type, narrowed to 32-bit floats: every function of stdlib takes it. */
export type Float32Ndarray = ReturnType<typeof constructor> & { readonly data: Float32Array; readonly dtype: string };

/** The part of an ndarray that is read. Any ndarray of stdlib fits; its dtype is checked. */
export interface NdarrayLike {
  readonly data: unknown;
  readonly dtype: unknown;
  readonly shape: ArrayLike<number>;
  readonly strides: ArrayLike<number>;
  readonly offset: number;
}

/** Loaded with this file, so that the functions need not be awaited. */
const peer: { readonly ndarray: typeof constructor } | { readonly ndarray: null; readonly cause: unknown } =
  await import('@stdlib/ndarray/ctor/lib/index.js').then(
    (loaded) => ({ ndarray: loaded.default }),
    (cause: unknown) => ({ ndarray: null, cause }),
  );

/**
 * A stdlib ndarray (float32, row-major) over the tensor's own memory: no copy, writes are seen by
 * both.
 * @throws NotFoundError where @stdlib/ndarray is not installed.
 */
export function toNdarray(t: Tensor): Float32Ndarray {
  if (peer.ndarray === null) throw withoutPeer(peer.cause);
  // stdlib gives a scalar one stride.
  const strides = t.shape.length === 0 ? [0] : rowMajorStrides(t.shape);
  return new peer.ndarray('float32', t.data, [...t.shape], strides, 0, 'row-major') as Float32Ndarray;
}

function withoutPeer(cause: unknown): NotFoundError {
  const absent = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
  return new NotFoundError(absent ? 'it is not installed.' : `it does not load: ${String(cause)}.`, {
    where: '@stdlib/ndarray',
    remedy: `Install it beside blockpruner: npm install @stdlib/ndarray@${PEER_VERSION}.`,
    cause,
  });
}

/**
 * A tensor from a float32 ndarray: shares the memory where the ndarray is contiguous and row-major,
 * copies where it is a transposed, strided or offset view.
 * @throws ShapeError when the dtype is not float32.
 */
export function fromNdarray(x: NdarrayLike): Tensor {
  const { data: values } = x;
  if (String(x.dtype) !== 'float32' || !(values instanceof Float32Array)) {
    throw new ShapeError(`expected a float32 ndarray, got ${String(x.dtype)}.`, { remedy: 'Convert it first.' });
  }
  const shape = Array.from(x.shape);
  const strides = rowMajorStrides(shape);
  const count = numel(shape);
  const contiguous = shape.every((size, axis) => size === 1 || x.strides[axis] === strides[axis]);
  if (contiguous && x.offset >= 0) return tensor(values.subarray(x.offset, x.offset + count), shape);
  const data = new Float32Array(count);
  for (let flat = 0; flat < count; flat++) {
    let rest = flat;
    let at = x.offset;
    for (const [axis, stride] of strides.entries()) {
      at += Math.floor(rest / stride) * x.strides[axis];
      rest %= stride;
    }
    data[flat] = values[at];
  }
  return tensor(data, shape);
}
