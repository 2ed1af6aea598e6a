import { lossGradients } from '../../autodiff/lossGradients.ts';
import { blockTensorNames } from '../../model/blockTensors.ts';
import { Mask } from '../../model/mask.ts';
import type { Method, Subject, Telling } from '../method.ts';
import { rankingMethod } from './ranking.ts';

/**
 * Σ |W · ∂L/∂W|, entry by entry, over all tensors of a candidate, norms and biases included; L is
 * ln of the perplexity on the chunks (Kim et al. 2024, Shortened LLaMA, §3: "Taylor"). To first
 * order, what setting single weights to 0 does to the loss. Gradients of all chunks are added up
 * before the absolute value is taken.
 */
export const taylor: Method = rankingMethod({
  name: 'taylor',
  summary: 'removes the blocks with the smallest sum of absolute weight × gradient first',
  paper: 'Kim et al. 2024, Shortened LLaMA (Taylor)',
  needs: ['calibration', 'gradients'],
  scoring: 'gradients',
  defaults: {},
  score: (subject) => subject.once('scores', () => scoreAll(subject)),
});

async function* scoreAll(subject: Subject): Telling<number[]> {
  const { model, chunks, candidates } = subject;
  const backend = await subject.gradients();
  /** Σ |W · gradient| by tensor, in f64. */
  const sums = new Map<string, number>();
  for await (const event of lossGradients(backend, model.source, Mask.empty, chunks)) {
    if (event.type === 'progress') yield { type: 'scoring', fraction: event.done / event.total };
    else {
      const { name, weight, gradient } = event;
      let sum = 0;
      for (let i = 0; i < weight.length; i++) sum += Math.abs(weight[i] * gradient[i]);
      sums.set(name, sum);
    }
  }
  return candidates.map(({ blocks }) => {
    const names = blocks.flatMap((block) => blockTensorNames(model.config, block));
    return names.reduce((sum, name) => sum + (sums.get(name) ?? NaN), 0);
  });
}
