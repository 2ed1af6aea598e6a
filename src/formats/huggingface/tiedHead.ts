/**
 * `tie_word_embeddings` says that the LM head is the embedding. A checkpoint may store a head all
 * the same: once more the same numbers, as some programs save it, or numbers of its own, where a
 * head was trained and the field forgotten. What is stored decides, as in GGUF files.
 */
import { sizeOf } from '../../model/weights.ts';
import type { StoredTensor } from '../safetensors/checkpoint.ts';
import { decodeFloats, isDecodable } from '../safetensors/dtypes.ts';

/** Values compared at a time. */
const PIECE = 1 << 20;

/**
 * Whether a stored head repeats the embedding, value by value. Both are read in pieces, and no
 * further than to the first piece that differs.
 * @throws AccessError, FileChangedError.
 */
export async function headRepeatsEmbedding(head: StoredTensor, embedding: StoredTensor): Promise<boolean> {
  if (head.shape.join() !== embedding.shape.join()) return false;
  // What cannot be read as weights is refused where it is read.
  if (!isDecodable(head.dtype) || !isDecodable(embedding.dtype)) return false;
  const count = sizeOf(head.shape);
  for (let done = 0; done < count; done += PIECE) {
    const length = Math.min(PIECE, count - done);
    if (!sameValues(await piece(head, count, done, length), await piece(embedding, count, done, length))) return false;
  }
  return true;
}

async function piece(tensor: StoredTensor, count: number, from: number, length: number): Promise<Float32Array> {
  const each = tensor.bytes / count;
  const bytes = await tensor.source.read(tensor.offset + from * each, length * each);
  return decodeFloats(tensor.dtype, bytes, tensor.source.name);
}

function sameValues(a: Float32Array, b: Float32Array): boolean {
  // A plain loop, as the whole matrix is compared where they are the same. NaN repeats NaN.
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !(Number.isNaN(a[i]) && Number.isNaN(b[i]))) return false;
  return true;
}
