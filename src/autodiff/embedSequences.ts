import type { DeviceTensor } from '../backends/backend.ts';
import { modelTensorNames } from '../model/tensorNames.ts';
import type { WeightSource } from '../model/weights.ts';
import type { KeptArrays } from './keptArrays.ts';

/**
 * Token and position embedding of sequences [n][T] of one length: a kept stream [n·T, C]. The sum
 * is taken on the backend, in its precision.
 */
export async function embedSequences(
  arrays: KeptArrays,
  source: WeightSource,
  ids: readonly Int32Array[],
): Promise<DeviceTensor> {
  const names = modelTensorNames(source.config);
  const [seqLen, width] = [ids[0].length, source.config.hiddenSize];
  const x = new Float32Array(ids.length * seqLen * width);
  const seen = new Map<number, Float32Array>();
  for (const [sequence, tokens] of ids.entries()) {
    for (const [t, id] of tokens.entries()) {
      const row = seen.get(id) ?? (await source.rows(names.embedding, id, id + 1));
      seen.set(id, row);
      x.set(row, (sequence * seqLen + t) * width);
    }
  }
  const positions = names.positions === null ? null : await source.rows(names.positions, 0, seqLen);
  return arrays.make((scope) => {
    const tokens = scope.upload(x, ids.length * seqLen, width);
    if (positions === null) return tokens;
    const table = scope.upload(positions, seqLen, width);
    return scope.add(tokens, scope.stack(ids.map(() => table)));
  });
}
