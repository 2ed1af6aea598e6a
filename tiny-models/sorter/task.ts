/** Sorting letters as a language: `hbdacaeg>aabcdegh`. What stands after `>` is the only thing that can be known. */
import type { Mask } from '../../src/model/mask.ts';
import type { Transformer } from '../../src/model/transformer.ts';
import type { Rng } from '../../src/tensor/rng.ts';
import type { Batch } from '../../src/autodiff/batch.ts';

const LETTERS = 8;
/** Letters to be sorted. */
export const LENGTH = 8;
/** The ids are letters 0 … LETTERS − 1 and this one. */
const SEPARATOR = LETTERS;
export const alphabet = 'abcdefgh>';
/** Tokens a model is given: all but the last letter of the answer. */
export const SEQ_LEN: number = 2 * LENGTH;

/** `sequences` problems with their answers; targets are −1 before the answer. */
export function drawProblems(rng: Rng, sequences: number): Batch {
  const inputs = new Int32Array(sequences * SEQ_LEN);
  const targets = new Int32Array(sequences * SEQ_LEN).fill(-1);
  for (let sequence = 0; sequence < sequences; sequence++) {
    const letters = Int32Array.from({ length: LENGTH }, () => rng.int(LETTERS));
    const whole = [...letters, SEPARATOR, ...letters.toSorted()];
    inputs.set(whole.slice(0, SEQ_LEN), sequence * SEQ_LEN);
    targets.set(whole.slice(LENGTH + 1), sequence * SEQ_LEN + LENGTH);
  }
  return { inputs, targets, seqLen: SEQ_LEN };
}

/**
 * Share of problems of which every letter of the answer is right, greedily. The letters before each are given: while
 * all were right, they are the model's own.
 */
export async function accuracy(model: Transformer, mask: Mask, rng: Rng, problems: number): Promise<number> {
  const { inputs, targets } = drawProblems(rng, problems);
  const ids = Array.from({ length: problems }, (_, at) => inputs.subarray(at * SEQ_LEN, (at + 1) * SEQ_LEN));
  const logits = await model.logits(await model.walk(ids, mask));
  const { vocabSize } = model.config;
  const wrong = new Set<number>();
  for (const [row, target] of targets.entries()) {
    if (target < 0) continue;
    const scores = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
    if (scores.indexOf(Math.max(...scores)) !== target) wrong.add(Math.floor(row / SEQ_LEN));
  }
  return 1 - wrong.size / problems;
}
