/** A model's weights seen through an edit: some tensors the base's own, others computed. */
import { NotFoundError, ShapeError } from '../errors.ts';
import type { Hasher } from '../platform/sha256.ts';
import type { ModelConfig } from './config.ts';
import { sizeOf, type StoredTensor, type TensorInfo, type WeightSource } from './weights.ts';

/** A tensor of a view. */
export interface Place {
  readonly info: TensorInfo;
  read(): Promise<Float32Array>;
  rows(from: number, to: number): Promise<Float32Array>;
  stored(): StoredTensor | null;
}

/** A tensor of the base, as it is. */
export function placeOf(base: WeightSource, name: string): Place {
  const info = base.tensors.get(name);
  if (info === undefined) throw new NotFoundError(`the model has no tensor '${name}'.`, { where: base.name });
  return {
    info,
    read: () => base.tensor(name),
    rows: (from, to) => base.rows(name, from, to),
    stored: () => base.stored?.(name) ?? null,
  };
}

/**
 * A tensor whose values are made when they are asked for.
 * @param some gives rows for less than all values, or undefined where it cannot.
 */
export function computed(
  name: string,
  shape: readonly number[],
  values: () => Promise<Float32Array>,
  some: (from: number, to: number) => Promise<Float32Array> | undefined = () => undefined,
): Place {
  const read = async (): Promise<Float32Array> => checkLength(name, await values(), shape);
  return {
    info: { shape, dtype: 'F32', bytes: 4 * sizeOf(shape) },
    read,
    async rows(from, to) {
      const [rows, width] = shape;
      if (width === undefined || !(from >= 0 && from <= to && to <= rows)) {
        throw new NotFoundError(`there are no rows ${from} … ${to} in tensor '${name}' [${shape.join(', ')}].`);
      }
      const taken = await some(from, to);
      if (taken !== undefined) return checkLength(name, taken, [to - from, width]);
      return (await read()).slice(from * width, to * width);
    },
    stored: () => null,
  };
}

/** @throws ShapeError where there are more or fewer values than the shape holds. */
export function checkLength(name: string, values: Float32Array, shape: readonly number[]): Float32Array {
  if (values.length === sizeOf(shape)) return values;
  throw new ShapeError(`'${name}' [${shape.join(', ')}] cannot hold ${values.length} numbers.`, { where: 'edit' });
}

/**
 * The model with these tensors.
 * @param hashEdit adds the edit to a hash, after the contents of the base.
 */
export function viewOf(
  base: WeightSource,
  config: ModelConfig,
  places: ReadonlyMap<string, Place>,
  hashEdit: (hasher: Hasher) => void | Promise<void>,
): WeightSource {
  const find = (name: string): Place => {
    const place = places.get(name);
    if (place === undefined) throw new NotFoundError(`the model has no tensor '${name}'.`, { where: base.name });
    return place;
  };
  return {
    name: base.name,
    config,
    tensors: new Map([...places].map(([name, { info }]) => [name, info])),
    tensor: async (name) => find(name).read(),
    rows: async (name, from, to) => find(name).rows(from, to),
    stored: (name) => find(name).stored(),
    async contentHash(hasher) {
      // The base ends no hash here: it goes on with the edit.
      await base.contentHash({ update: (bytes) => hasher.update(bytes), digest: () => '' });
      await hashEdit(hasher);
      return hasher.digest();
    },
    assertUnchanged: () => base.assertUnchanged(),
    close: () => base.close(),
  };
}

export function hashLine(hasher: Hasher, text: string): void {
  hasher.update(new TextEncoder().encode(`\n${text}\n`));
}

export function hashValues(hasher: Hasher, values: Float32Array): void {
  hasher.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}
