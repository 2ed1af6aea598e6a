/** A GGUF file as a model's weights. */
import { FormatError, NotFoundError, ShapeError, UnsupportedModelError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { StoredTensor as StoredBytes, TensorInfo, WeightSource } from '../../model/weights.ts';
import { readPieces, type ByteSource } from '../../platform/byteSource.ts';
import type { Hasher } from '../../platform/sha256.ts';
import { quoted } from '../quoted.ts';
import { ggufConfig } from './config.ts';
import { dequantize } from './dequantize.ts';
import { unpermuteHeads } from './headRows.ts';
import type { GgufFile } from './parse.ts';
import { openGgufParts, type Beside, type GgufParts, type PartTensor } from './parts.ts';
import { ggufTensorMap, type GgufPlace } from './tensorMap.ts';

const HEAD = 'output.weight';
/** Bytes hashed or compared at a time. */
const HASH_PIECE = 1 << 22;
/** Stored bytes dequantised at a time. */
const READ_PIECE = 1 << 20;
/**
 * Tensors beside the model's: RoPE's divisors are part of the config, the other is a table older
 * files carry.
 */
const ROPE_DIVISORS = 'rope_freqs.weight';
const knownSurplus = /^(?:rope_freqs\.weight|blk\.\d+\.attn_rot_embd\.weight)$/;

interface StoredTensor {
  readonly place: GgufPlace;
  readonly stored: PartTensor;
}

/**
 * Opens a GGUF file as a model: reads its header and checks that it has the tensors that its
 * architecture needs, in the right shapes, and no others. Weights are read when they are asked for.
 * `weights.close` closes `source`, and the other parts where it is the first of several.
 * @param beside how other parts are opened; without it a split model is refused.
 * @throws FormatError for a damaged file, UnsupportedModelError for a model that we do not compute,
 * NotFoundError for a missing tensor.
 */
export async function openGgufWeights(
  source: ByteSource,
  beside: Beside | null = null,
): Promise<{ weights: WeightSource; file: GgufFile }> {
  const file = await openGgufParts(source, beside);
  try {
    const config = ggufConfig(file, await ropeDivisors(file), await headRepeatsEmbedding(file));
    return { weights: new GgufWeights(file.sources, config, locate(file, config)), file };
  } catch (error) {
    await Promise.all(file.sources.slice(1).map((part) => part.close()));
    throw error;
  }
}

async function ropeDivisors(file: GgufParts): Promise<Float32Array | null> {
  const stored = file.tensors.get(ROPE_DIVISORS);
  if (stored === undefined) return null;
  // At most one divisor for every other number of a head; a damaged file could claim any size.
  if (stored.bytes > 1 << 20) throw new FormatError(`tensor '${ROPE_DIVISORS}' is too large.`, { where: file.name });
  return dequantize(stored.type, await stored.source.read(stored.offset, stored.bytes));
}

/**
 * Whether the file stores the embedding a second time as the head, as converters of GPT-2 do: then
 * the head is tied, and its parameters count once. Files with a head of its own differ in the first
 * bytes.
 */
async function headRepeatsEmbedding(file: GgufParts): Promise<boolean> {
  const [head, embedding] = [file.tensors.get(HEAD), file.tensors.get('token_embd.weight')];
  if (head === undefined || embedding === undefined) return false;
  if (head.type !== embedding.type || head.dims.join() !== embedding.dims.join()) return false;
  for (let done = 0; done < head.bytes; done += HASH_PIECE) {
    const length = Math.min(HASH_PIECE, head.bytes - done);
    const [ours, theirs] = [
      await head.source.read(head.offset + done, length),
      await embedding.source.read(embedding.offset + done, length),
    ];
    // A plain loop: the whole matrix is compared where they are the same.
    for (let i = 0; i < length; i++) if (ours[i] !== theirs[i]) return false;
  }
  return true;
}

/**
 * Finds every tensor of the model. One left over would have changed the numbers: it is refused, as
 * by llama.cpp.
 */
function locate(file: GgufParts, config: ModelConfig): ReadonlyMap<string, StoredTensor> {
  const found = new Map<string, StoredTensor>();
  const surplus = new Set(file.tensors.keys());
  if (config.tieWordEmbeddings) surplus.delete(HEAD);
  for (const [canonical, place] of ggufTensorMap(config)) {
    const stored = file.tensors.get(place.name);
    if (stored === undefined) throw new NotFoundError(`tensor '${place.name}' is missing.`, { where: file.name });
    const shape = stored.dims.toReversed();
    if (shape.join() !== place.shape.join()) {
      throw new FormatError(`tensor '${place.name}' is [${shape.join(', ')}], expected [${place.shape.join(', ')}].`, {
        where: file.name,
      });
    }
    found.set(canonical, { place, stored });
    surplus.delete(place.name);
  }
  const unknown = [...surplus].find((name) => !knownSurplus.test(name));
  if (unknown !== undefined) {
    throw new UnsupportedModelError(`a ${config.family} model has no tensor ${quoted(unknown)}.`, {
      where: file.name,
    });
  }
  return found;
}

class GgufWeights implements WeightSource {
  readonly name: string;
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #sources: readonly ByteSource[];
  readonly #stored: ReadonlyMap<string, StoredTensor>;

  constructor(sources: readonly ByteSource[], config: ModelConfig, tensors: ReadonlyMap<string, StoredTensor>) {
    this.name = sources[0].name;
    this.config = config;
    this.#sources = sources;
    this.#stored = tensors;
    this.tensors = new Map(
      [...tensors].map(([canonical, { place, stored }]) => {
        return [canonical, { shape: place.shape, dtype: stored.type.name, bytes: stored.bytes }];
      }),
    );
  }

  tensor(name: string): Promise<Float32Array> {
    const { place, stored } = this.#find(name);
    return this.#read(stored, place, 0, place.shape[0]);
  }

  async rows(name: string, from: number, to: number): Promise<Float32Array> {
    const { place, stored } = this.#find(name);
    const [rows, width] = place.shape;
    if (
      place.shape.length !== 2 ||
      !(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= rows)
    ) {
      throw new ShapeError(`has no rows ${from} … ${to}: its shape is [${place.shape.join(', ')}].`, {
        where: `${this.name}: ${name}`,
      });
    }
    if (place.permutedHeads === 0) return this.#read(stored, place, from, to);
    // The rows of a head are mixed: read whole heads.
    const headDim = rows / place.permutedHeads;
    const firstRow = Math.floor(from / headDim) * headDim;
    const heads = await this.#read(stored, place, firstRow, Math.ceil(to / headDim) * headDim);
    return heads.slice((from - firstRow) * width, (to - firstRow) * width);
  }

  stored(name: string): StoredBytes {
    const { place, stored } = this.#find(name);
    return {
      dtype: stored.type.name,
      bytes: stored.bytes,
      interleavedHeads: place.permutedHeads,
      pieces: () => readPieces(stored.source, stored.offset, stored.bytes),
    };
  }

  async contentHash(hasher: Hasher): Promise<string> {
    const text = new TextEncoder();
    // By name, so that the order of tensors in the file, which changes nothing, does not count.
    for (const name of [...this.#stored.keys()].toSorted()) {
      const { place, stored } = this.#find(name);
      hasher.update(text.encode(`${name} ${stored.type.name} [${place.shape.join(', ')}]\n`));
      for (let done = 0; done < stored.bytes; done += HASH_PIECE) {
        hasher.update(await stored.source.read(stored.offset + done, Math.min(HASH_PIECE, stored.bytes - done)));
      }
    }
    return hasher.digest();
  }

  async assertUnchanged(): Promise<void> {
    for (const source of this.#sources) await source.assertUnchanged();
  }

  async close(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close()));
  }

  #find(name: string): StoredTensor {
    const found = this.#stored.get(name);
    if (found === undefined) throw new NotFoundError(`the model has no tensor ${quoted(name)}.`, { where: this.name });
    return found;
  }

  /**
   * Rows `from` … `to` (whole heads where they are permuted) in Hugging Face's order. Read piece by
   * piece, so that of a large matrix only the values are there whole, and no second copy of them.
   */
  async #read(stored: PartTensor, place: GgufPlace, from: number, to: number): Promise<Float32Array> {
    const [rows, width = 1] = place.shape;
    const rowBytes = stored.bytes / rows;
    // Rows of a vector may share a quantisation block, and rows of a head belong together.
    const unit = place.shape.length === 1 ? rows : place.permutedHeads === 0 ? 1 : rows / place.permutedHeads;
    const step = unit * Math.max(1, Math.floor(READ_PIECE / (unit * rowBytes)));
    const out = new Float32Array((to - from) * width);
    for (let row = from; row < to; row += step) {
      const end = Math.min(to, row + step);
      const bytes = await stored.source.read(stored.offset + row * rowBytes, (end - row) * rowBytes);
      const piece = out.subarray((row - from) * width, (end - from) * width);
      dequantize(stored.type, bytes, piece);
      if (place.permutedHeads !== 0)
        piece.set(unpermuteHeads(piece, (end - row) / (rows / place.permutedHeads), width));
    }
    return out;
  }
}
