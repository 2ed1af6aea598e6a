import { blockTensorNames } from '../../model/blockTensors.ts';
import type { Method, Subject, Telling } from '../method.ts';
import { rankingMethod } from './ranking.ts';

/**
 * Σ|W| over all tensors of a candidate, norms and biases included (Kim et al. 2024, Shortened
 * LLaMA, §3: "Mag"). It needs no text. A sum, not a mean: at block granularity an MLP has more
 * weights than an MHA and so a higher score.
 */
export const magnitude: Method = rankingMethod({
  name: 'magnitude',
  summary: 'removes the blocks with the smallest sum of absolute weights first',
  paper: 'Kim et al. 2024, Shortened LLaMA (Mag)',
  needs: [],
  scoring: 'weights',
  defaults: {},
  score: scoreAll,
});

async function* scoreAll(subject: Subject): Telling<number[]> {
  const { model, candidates } = subject;
  const scores: number[] = [];
  for (const [index, { name, blocks }] of candidates.entries()) {
    const names = blocks.flatMap((block) => blockTensorNames(model.config, block));
    scores.push(
      yield* subject.once(`magnitude ${name}`, async () => {
        let sum = 0;
        for (const tensor of names) sum += absoluteSum(await model.source.tensor(tensor));
        return sum;
      }),
    );
    yield { type: 'scoring', fraction: (index + 1) / candidates.length };
  }
  return scores;
}

/** In f64. */
function absoluteSum(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum;
}
