/** How training draws its batches, and the plain way to draw them from a text. */
import type { Batch } from '../autodiff/batch.ts';
import { DataError } from '../errors.ts';
import type { Rng } from '../tensor/rng.ts';

/**
 * Step and micro-batch → batch. Pure: the same arguments give the same batch, so that a run resumes
 * anywhere.
 */
export type DrawBatch = (step: number, part: number) => Batch;

/**
 * Windows of seqLen + 1 tokens from anywhere in a stream.
 * @throws DataError when the stream is shorter than a window.
 */
export function windowBatches(stream: Int32Array, sequences: number, seqLen: number, rng: Rng): DrawBatch {
  const starts = stream.length - seqLen;
  if (starts < 1) {
    throw new DataError(`${stream.length} tokens are fewer than a sequence of ${seqLen} and its last target.`, {
      remedy: 'Give more text, or lower seqLen.',
    });
  }
  return (step, part) => {
    const draw = rng.fork(`batch ${step} ${part}`);
    const inputs = new Int32Array(sequences * seqLen);
    const targets = new Int32Array(sequences * seqLen);
    for (let sequence = 0; sequence < sequences; sequence++) {
      const start = draw.int(starts);
      inputs.set(stream.subarray(start, start + seqLen), sequence * seqLen);
      targets.set(stream.subarray(start + 1, start + seqLen + 1), sequence * seqLen);
    }
    return { inputs, targets, seqLen };
  };
}
