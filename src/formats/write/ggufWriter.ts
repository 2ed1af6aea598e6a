/**
 * A model as one GGUF file, as llama.cpp and what is built on it load. Tensors that are as a GGUF
 * file holds them are copied byte for byte, whatever their type; nothing is quantised twice.
 */
import { NotFoundError, ShapeError } from '../../errors.ts';
import { edited } from '../../model/edit.ts';
import type { RopeConfig } from '../../model/config.ts';
import { modelTensorNames } from '../../model/tensorNames.ts';
import { sizeOf, type StoredTensor, type WeightSource } from '../../model/weights.ts';
import { configMetadata } from '../gguf/configMetadata.ts';
import { interleaveHeads } from '../gguf/headRows.ts';
import { ggufLayout, unsaidByGguf } from '../gguf/layout.ts';
import { holdsRows, quantize, writtenTypes, type WrittenType } from '../gguf/quantize.ts';
import { quantTypes, type QuantName } from '../gguf/quantTypes.ts';
import { ggufTensorMap, type GgufPlace } from '../gguf/tensorMap.ts';
import { streamGguf, type GgufTensorShape } from '../gguf/write.ts';
import { writtenMetadata, type GgufMetadata } from '../gguf/writtenMetadata.ts';
import { ropeFrequencies } from '../../ops/ropeTable.ts';
import type { FileToWrite, ModelWriter } from './modelWriter.ts';

export interface GgufOptions {
  /** The file's name. */
  readonly file: string;
  /**
   * What the file says beside the layers: the metadata of the GGUF file that the model comes from,
   * with its tokenizer; null = made from the config, without one.
   */
  readonly metadata: GgufMetadata | null;
  /** The type that matrices are turned into; null = as they are stored. */
  readonly type: WrittenType | null;
}

/** A tensor on its way into the file. */
interface Written extends GgufTensorShape {
  pieces(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Rows of an embedding that are turned at a time. */
const ROWS = 1024;

/** One file; what goes along with a folder's weights is not written. */
export function ggufWriter({ file, metadata, type }: GgufOptions): ModelWriter {
  return {
    name: type === null ? 'GGUF' : `GGUF ${type}`,
    refuses: unsaidByGguf,
    files(source): FileToWrite[] {
      const { arch, edit } = ggufLayout(source.config);
      const view = edited(source, [edit]);
      // deci holds q and k as llama does, whatever family the model is of.
      const laid: WeightSource = arch === 'deci' ? { ...view, config: { ...view.config, family: 'llama' } } : view;
      const fallback = type ?? mainType(source);
      const tensors = new Map<string, Written>();
      for (const [name, place] of ggufTensorMap(laid.config)) {
        tensors.set(place.name, written(laid, name, place, type, fallback));
      }
      const all = new Map([...ropeDivisors(laid), ...tensors]);
      const header = writtenMetadata(metadata ?? configMetadata(source.config), { arch, config: laid.config, type });
      const pieces = streamGguf({ metadata: header, tensors: all }, (name) => all.get(name)?.pieces() ?? []);
      return [{ name: file, pieces }];
    },
  };
}

/** The type that most of a model's bytes have, if we write it, else Q8_0: for what was computed. */
function mainType({ tensors }: WeightSource): WrittenType {
  const sums = new Map<string, number>();
  for (const { dtype, bytes } of tensors.values()) sums.set(dtype, (sums.get(dtype) ?? 0) + bytes);
  const [[main] = ['']] = [...sums].toSorted(([, a], [, b]) => b - a);
  return writtenTypes.find((known) => known === main && !known.startsWith('Q')) ?? 'Q8_0';
}

/**
 * @param type what matrices are to become; null = as they are stored.
 * @param fallback what they become where they are not stored in a type that GGUF has.
 */
function written(
  source: WeightSource,
  name: string,
  { shape, permutedHeads }: GgufPlace,
  type: WrittenType | null,
  fallback: WrittenType,
): Written {
  const info = source.tensors.get(name);
  if (info === undefined) throw new NotFoundError(`there is no tensor '${name}' to write.`);
  if (info.shape.join() !== shape.join()) {
    throw new ShapeError(`is [${info.shape.join(', ')}], and the config says [${shape.join(', ')}].`, { where: name });
  }
  const dims = shape.toReversed();
  // Norms and biases are F32 in every file: llama.cpp adds and multiplies them as they are.
  const wanted = shape.length === 1 ? 'F32' : type;
  const stored = source.stored?.(name) ?? null;
  if (stored !== null && isQuantName(stored.dtype) && (wanted === null || wanted === stored.dtype)) {
    return { type: quantTypes[stored.dtype], dims, pieces: () => rowsInOrder(stored, shape, permutedHeads) };
  }
  const into = fitting(wanted ?? fallback, dims[0]);
  return { type: quantTypes[into], dims, pieces: () => turned(source, name, shape, permutedHeads, into) };
}

function isQuantName(name: string): name is QuantName {
  return Object.hasOwn(quantTypes, name);
}

/** F16 where a row is not a whole number of blocks. */
function fitting(type: WrittenType, width: number): WrittenType {
  return holdsRows(type, width) ? type : 'F16';
}

/** Stored bytes, each head's rows in the file's order. */
async function* rowsInOrder(
  stored: StoredTensor,
  [rows]: readonly number[],
  heads: number,
): AsyncGenerator<Uint8Array, void> {
  if (stored.interleavedHeads === heads) return yield* stored.pieces();
  if (stored.interleavedHeads !== 0) throw new Error(`rows of ${stored.interleavedHeads} heads are in another order`);
  const bytes = new Uint8Array(stored.bytes);
  let at = 0;
  for await (const piece of stored.pieces()) {
    bytes.set(piece, at);
    at += piece.length;
  }
  // Quantisation blocks never cross a row, so rows move as they are.
  yield interleaveHeads(bytes, heads, stored.bytes / rows);
}

async function* turned(
  source: WeightSource,
  name: string,
  shape: readonly number[],
  heads: number,
  type: WrittenType,
): AsyncGenerator<Uint8Array, void> {
  const { embedding, head } = modelTensorNames(source.config);
  if (name === embedding || name === head) {
    for (let from = 0; from < shape[0]; from += ROWS) {
      yield quantize(type, await source.rows(name, from, Math.min(from + ROWS, shape[0])));
    }
    return;
  }
  const values = await source.tensor(name);
  yield quantize(type, heads === 0 ? values : interleaveHeads(values, heads, sizeOf(shape) / shape[0]));
}

/** Llama 3's scaling of rotary angles, which GGUF keeps as a tensor. */
function ropeDivisors({ config: { rope, headDim } }: WeightSource): Map<string, Written> {
  const divisors = divisorsOf(rope, headDim);
  if (divisors === null) return new Map();
  const bytes = quantize('F32', Float32Array.from(divisors));
  return new Map([['rope_freqs.weight', { type: quantTypes.F32, dims: [headDim / 2], pieces: () => [bytes] }]]);
}

function divisorsOf(rope: RopeConfig | null, headDim: number): readonly number[] | null {
  if (rope?.scaling.type === 'divisors') return rope.scaling.divisors;
  if (rope?.scaling.type !== 'llama3') return null;
  const scaled = ropeFrequencies(rope, headDim);
  const plain = ropeFrequencies({ theta: rope.theta, scaling: { type: 'default' } }, headDim);
  return [...plain].map((frequency, i) => frequency / scaled[i]);
}
