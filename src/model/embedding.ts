import { DataError } from '../errors.ts';
import { modelTensorNames } from './tensorNames.ts';
import type { WeightSource } from './weights.ts';

/**
 * Token and position embedding on the host: ids [B][T] → x [B·T, C]. The first position is `start`.
 * @throws DataError for an id outside the vocabulary or positions beyond a learned table.
 */
export async function embeddingOf(
  source: WeightSource,
  ids: readonly Int32Array[],
  start: number,
): Promise<Float32Array> {
  const { hiddenSize, vocabSize, maxPositionEmbeddings } = source.config;
  const names = modelTensorNames(source.config);
  const x = new Float32Array(ids.length * ids[0].length * hiddenSize);
  const seen = new Map<number, Float32Array>();
  let at = 0;
  for (const sequence of ids) {
    for (const id of sequence) {
      if (!(id >= 0 && id < vocabSize)) {
        throw new DataError(`token id ${id} is outside the vocabulary of ${vocabSize}.`, {
          remedy: "Use ids of this model's own tokenizer.",
        });
      }
      const row = seen.get(id) ?? (await source.rows(names.embedding, id, id + 1));
      seen.set(id, row);
      x.set(row, at);
      at += hiddenSize;
    }
  }
  if (names.positions === null) return x;
  const end = start + ids[0].length;
  if (end > maxPositionEmbeddings) {
    throw new DataError(`position ${end - 1} is beyond the model's ${maxPositionEmbeddings} learned positions.`, {
      remedy: 'Use a shorter chunk or prompt.',
    });
  }
  const positions = await source.rows(names.positions, start, end);
  for (let i = 0; i < x.length; i++) x[i] += positions[i % positions.length];
  return x;
}
