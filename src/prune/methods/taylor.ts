import type { Batch } from '../../autodiff/batch.ts';
import { lossAndGradients } from '../../autodiff/gradients.ts';
import { readParameters } from '../../autodiff/parameters.ts';
import { isScored } from '../../eval/chunks.ts';
import { Mask } from '../../model/mask.ts';
import { blockTensorNames } from '../../model/blockTensors.ts';
import { nextTokens } from '../../model/transformer.ts';
import type { Method, Subject, Telling } from '../method.ts';
import { rankingMethod } from './ranking.ts';

/**
 * Σ |W · ∂L/∂W|, entry by entry, over all tensors of a candidate, norms and biases included; L is
 * the mean loss over all scored tokens (Kim et al. 2024, Shortened LLaMA, §3: "Taylor"): to first
 * order, what setting single weights to 0 does to the loss. Gradients of all chunks are added up
 * before the absolute value is taken. Weights and gradients lie in memory as f32, all of them.
 */
export const taylor: Method = rankingMethod({
  name: 'taylor',
  summary: 'removes the blocks with the smallest sum of |weight · gradient of the loss| first',
  paper: 'Kim et al. 2024, Shortened LLaMA (Taylor)',
  needs: ['calibration', 'gradients'],
  defaults: {},
  score: (subject) => subject.once('scores', () => scoreAll(subject)),
});

async function* scoreAll(subject: Subject): Telling<number[]> {
  const { model, chunks, candidates } = subject;
  const { config, source } = model;
  const backend = await subject.gradients();
  const parameters = await readParameters(source);
  const names = candidates.map(({ blocks }) => blocks.flatMap((block) => blockTensorNames(config, block)));
  const trained = new Set(names.flat());
  const trainee = { config, parameters, trained, mask: Mask.empty, lora: null };
  const batches = chunks.ids.map((_, index) => batchOf(subject, index));
  const targets = batches.reduce((sum, batch) => sum + batch.targets.filter((id) => id >= 0).length, 0);
  const gradients = new Map<string, Float32Array>();
  for (const [index, batch] of batches.entries()) {
    const part = await lossAndGradients(backend, trainee, [batch]);
    for (const [name, gradient] of part.gradients) {
      const sum = gradients.get(name) ?? new Float32Array(gradient.length);
      for (let i = 0; i < sum.length; i++) sum[i] += (part.targets / targets) * gradient[i];
      gradients.set(name, sum);
    }
    yield { type: 'scoring', fraction: (index + 1) / batches.length };
  }
  return names.map((own) =>
    own.reduce((sum, name) => {
      const weights = parameters.get(name)?.data ?? [];
      const gradient = gradients.get(name) ?? new Float32Array(weights.length);
      for (let i = 0; i < weights.length; i++) sum += Math.abs(weights[i] * gradient[i]);
      return sum;
    }, 0),
  );
}

/** A chunk as inputs and targets; a target that does not count is −1. */
function batchOf({ chunks }: Subject, index: number): Batch {
  const ids = chunks.ids[index];
  const targets = nextTokens([ids]).map((id, target) => (id >= 0 && isScored(chunks, index, target) ? id : -1));
  return { inputs: ids, targets, seqLen: ids.length };
}
