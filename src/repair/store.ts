/**
 * Where fitted tensors are kept: one safetensors file a tensor, F32, beside the journal, which
 * holds their hashes (as JSON the numbers would take several times the room). A file is written
 * whole before its hash is, and what is read must have the hash: so no half-written, damaged or
 * foreign file is ever taken for a fit.
 */
import { AccessError, FormatError, NotFoundError, ShapeError } from '../errors.ts';
import { decodeFloats } from '../formats/safetensors/dtypes.ts';
import { parseSafetensors } from '../formats/safetensors/parse.ts';
import { streamSafetensors } from '../formats/safetensors/write.ts';
import type { RewriteEdit } from '../model/edit.ts';
import { sizeOf } from '../model/weights.ts';
import type { ByteSource } from '../platform/byteSource.ts';
import type { Files } from '../platform/files.ts';
import type { Hasher } from '../platform/sha256.ts';

/** A tensor that a store holds, as documents and journals name it. */
export interface StoredTensor {
  /** Canonical name. */
  readonly name: string;
  readonly shape: readonly number[];
  /** SHA-256 (hex) of the values as F32, little-endian. */
  readonly sha256: string;
  /** Where the values are, relative to the run's folder. */
  readonly file: string;
}

export interface TensorStore {
  /** Name for messages. */
  readonly name: string;
  /**
   * Keeps a tensor. The same values under the same name are one file, however often they come.
   * @throws ShapeError where the values do not fit the shape, AccessError where they cannot be
   * written.
   */
  write(name: string, shape: readonly number[], values: Float32Array): Promise<StoredTensor>;
  /**
   * The values that were kept.
   * @throws NotFoundError where the file is not there, FormatError where it does not hold these
   * values, AccessError where it cannot be read.
   */
  read(tensor: StoredTensor): Promise<Float32Array>;
  /** Does away with what was kept; nothing happens where it is not there. @throws AccessError */
  remove(tensor: StoredTensor): Promise<void>;
}

const FOLDER = 'repair';
const DAMAGED = 'Repair the model again: what is damaged or missing is fitted anew.';

/**
 * The file of a tensor. Its name tells the values too: another mask, or another step of a search,
 * gives the same tensor others.
 */
export function tensorFile(name: string, sha256: string): string {
  return `${FOLDER}/${name}-${sha256.slice(0, 16)}.safetensors`;
}

/** A store in the folder `repair` of such files. */
export function tensorStore(files: Files, newHasher: () => Hasher): TensorStore {
  return {
    name: files.name,
    async write(name, shape, values) {
      if (values.length !== sizeOf(shape)) {
        throw new ShapeError(`[${shape.join(', ')}] cannot hold ${values.length} numbers.`, { where: name });
      }
      const sha256 = hashOf(values, newHasher());
      const file = tensorFile(name, sha256);
      const sink = await files.create(file);
      try {
        const pieces = streamSafetensors(new Map([[name, { shape, dtype: 'F32' }]]), () => Promise.resolve(values));
        for await (const piece of pieces) await sink.write(piece);
        await sink.close();
      } catch (error) {
        await sink.abort();
        throw error;
      }
      return { name, shape, sha256, file };
    },
    async read(tensor) {
      const source = await files.open(tensor.file).catch((error: unknown) => {
        if (!(error instanceof NotFoundError)) throw error;
        throw new NotFoundError(`holds fitted values of ${tensor.name} and is not there.`, {
          where: `${files.name}/${tensor.file}`,
          remedy: DAMAGED,
          cause: error,
        });
      });
      try {
        return await readTensor(source, tensor, newHasher());
      } finally {
        await source.close();
      }
    },
    remove: ({ file }) => files.remove(file),
  };
}

async function readTensor(
  source: ByteSource,
  { name, shape, sha256 }: StoredTensor,
  hasher: Hasher,
): Promise<Float32Array> {
  const { tensors } = await parseSafetensors(source).catch((cause: unknown) => {
    if (cause instanceof AccessError) throw cause;
    throw new FormatError('is not the safetensors file that was written.', {
      where: source.name,
      remedy: DAMAGED,
      cause,
    });
  });
  const found = tensors.get(name);
  if (found?.dtype !== 'F32' || found.shape.join() !== shape.join()) {
    throw new FormatError(`holds no ${name} of [${shape.join(', ')}] as F32.`, { where: source.name, remedy: DAMAGED });
  }
  const values = decodeFloats('F32', await source.read(found.offset, found.bytes), source.name);
  if (hashOf(values, hasher) === sha256) return values;
  throw new FormatError(`holds other values of ${name} than those that were fitted.`, {
    where: source.name,
    remedy: DAMAGED,
  });
}

/** What a hash of a tensor covers: its values alone. */
function hashOf(values: Float32Array, hasher: Hasher): string {
  hasher.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hasher.digest();
}

/** The tensors as rewrites of a model, each read from the store when it is asked for. */
export function storedEdits(tensors: readonly StoredTensor[], store: TensorStore): RewriteEdit[] {
  return tensors.map((tensor) => ({ type: 'rewrite', tensor: tensor.name, values: () => store.read(tensor) }));
}
