/**
 * Healing: LoRA on what a pruning left, so that the other blocks learn to do without the removed
 * ones. Adapters go on every linear of the surviving blocks, none on embedding and head (Zhong et
 * al. 2025, appendix H).
 */
import { UsageError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Mask } from '../model/mask.ts';
import { blockTensorNames } from '../model/blockTensors.ts';
import { silencedTensors } from '../model/silence.ts';
import { blockShapes } from '../model/tensorShapes.ts';
import { walkOf } from '../model/walk.ts';
import type { Rng } from '../tensor/rng.ts';
import { adapterNames, mergeAdapters, withAdapters, type LoraSettings } from '../autodiff/lora.ts';
import { parameterOf, type Parameter, type Parameters } from '../autodiff/parameters.ts';
import type { Trainee } from '../autodiff/trainee.ts';

/** @throws UsageError for adapters larger than any matrix they could adapt. */
export function checkRank(rank: number, config: ModelConfig): void {
  const most = Math.max(0, ...walkOf(config).flatMap((id) => [...blockShapes(config, id).values()].flat()));
  if (rank <= most) return;
  throw new UsageError(`--rank ${rank}: no matrix of the model has more than ${most} rows or columns.`, {
    remedy: `Give 1 … ${most}.`,
  });
}

/** A pruned model with fresh adapters, which alone are trained. */
export function healingTrainee(
  config: ModelConfig,
  parameters: Parameters,
  mask: Mask,
  lora: LoraSettings,
  rng: Rng,
): Trainee {
  const linears = walkOf(config, mask)
    .flatMap((id) => blockTensorNames(config, id))
    .filter((name) => parameterOf(parameters, name).shape.length === 2);
  const trained = linears.flatMap((name) => Object.values(adapterNames(name)));
  return {
    config,
    parameters: withAdapters(parameters, linears, lora, rng),
    trained: new Set(trained),
    mask,
    lora,
  };
}

/** The healed weights: adapters merged, and removed blocks silenced (`src/model/silence.ts`). */
export function healedParameters({ config, parameters, mask, lora }: Trainee): Parameters {
  const healed = new Map<string, Parameter>(lora === null ? parameters : mergeAdapters(parameters, lora));
  for (const name of silencedTensors({ config }, mask)) {
    const { shape, data } = parameterOf(healed, name);
    healed.set(name, { shape, data: new Float32Array(data.length) });
  }
  return healed;
}
