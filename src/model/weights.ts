import type { Hasher } from '../platform/sha256.ts';
import type { ModelConfig } from './config.ts';

/** What a file says of one tensor, under its canonical (Hugging Face) name. */
export interface TensorInfo {
  /** Shape in Hugging Face's order: a projection is [out, in]. */
  readonly shape: readonly number[];
  /** Stored type as the file names it: `F32`, `F16`, `BF16`, `Q4_1`, `Q8_0`, … */
  readonly dtype: string;
  /** Stored size in bytes. */
  readonly bytes: number;
}

/** A tensor's bytes as its file holds them, to be copied without decoding. */
export interface StoredTensor {
  /** As `TensorInfo.dtype`. */
  readonly dtype: string;
  readonly bytes: number;
  /**
   * The heads whose rows are interleaved (`src/formats/gguf/headRows.ts`); 0 = Hugging Face's
   * order.
   */
  readonly interleavedHeads: number;
  /** All bytes in their order, cut in any way. */
  pieces(): AsyncIterable<Uint8Array>;
}

/**
 * A model's weights, read lazily: nothing is read before it is asked for, and nothing is kept after
 * it was handed out. Names are Hugging Face's canonical ones for the family, whatever the file
 * calls them (`model.layers.3.self_attn.q_proj.weight`, `transformer.h.0.attn.c_attn.weight` …),
 * and every projection comes as [out, in] in Hugging Face's row order, whatever the file's order
 * was (GGUF permutes q/k rows for arch llama, GPT-2's safetensors stores Conv1D weights as [in,
 * out]).
 */
export interface WeightSource {
  /** Where the weights come from, for messages and reports. */
  readonly name: string;
  readonly config: ModelConfig;
  /** Every tensor of the model by canonical name. A tied head is not listed. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * A whole tensor as f32, row-major.
   * @throws NotFoundError for an unknown name, FormatError for bytes that cannot be decoded,
   * FileChangedError when the file was changed since it was opened.
   */
  tensor(name: string): Promise<Float32Array>;
  /**
   * Rows `from` (inclusive) to `to` (exclusive) of a 2-D tensor as f32: for embedding and LM head.
   */
  rows(name: string, from: number, to: number): Promise<Float32Array>;
  /**
   * A tensor's bytes, where a writer can copy them: little-endian rows as GGUF has them. Null for
   * what is computed or stored in another way.
   * @throws NotFoundError for an unknown name.
   */
  stored?(name: string): StoredTensor | null;
  /**
   * SHA-256 (hex) over names, shapes, dtypes and stored bytes of all tensors; what the journal
   * binds a run to.
   */
  contentHash(hasher: Hasher): Promise<string>;
  /**
   * Checks that the files are still those whose bytes were hashed and read; called before a result
   * is given.
   * @throws FileChangedError naming the file that is not.
   */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** Numbers that a tensor holds; 0 for one that the model does not have. */
export function elementsOf(source: WeightSource, name: string): number {
  return sizeOf(source.tensors.get(name)?.shape ?? [0]);
}

/** Numbers that a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
