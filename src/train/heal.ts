/**
 * Healing: LoRA on what a pruning left, so that the other blocks learn to do without the removed
 * ones. Adapters go on every linear of the surviving blocks, none on embedding and head (Zhong et
 * al. 2025, appendix H).
 */
import type { ModelConfig } from '../model/config.ts';
import type { Mask } from '../model/mask.ts';
import { blockTensorNames } from '../model/blockTensors.ts';
import { mhaTensorNames, mlpTensorNames } from '../model/tensorNames.ts';
import { walkOf } from '../model/walk.ts';
import type { Rng } from '../tensor/rng.ts';
import { adapterNames, mergeAdapters, withAdapters, type LoraSettings } from '../autodiff/lora.ts';
import { parameterOf, type Parameter, type Parameters } from '../autodiff/parameters.ts';
import type { Trainee } from '../autodiff/trainee.ts';

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

/**
 * The healed weights: adapters merged, and the projections with which removed blocks write to the
 * residual stream set to zero. So every program that loads the model computes the healed one, and a
 * mask only saves the work.
 */
export function healedParameters({ config, parameters, mask, lora }: Trainee): Parameters {
  const healed = new Map<string, Parameter>(lora === null ? parameters : mergeAdapters(parameters, lora));
  for (const { kind, layer } of mask.blocks) {
    const names = kind === 'mha' ? mhaTensorNames(config, layer).output : mlpTensorNames(config, layer).down;
    for (const name of [names.weight, names.bias]) {
      if (name === null) continue;
      const { shape, data } = parameterOf(healed, name);
      healed.set(name, { shape, data: new Float32Array(data.length) });
    }
  }
  return healed;
}
