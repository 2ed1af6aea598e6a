/**
 * Removed blocks that stay in a file. Formats that cannot leave a block out keep it, with a zero
 * output matrix: it adds nothing, so every program that loads the model computes the pruned one,
 * and a mask only saves the work.
 */
import type { RewriteEdit } from './edit.ts';
import type { Mask } from './mask.ts';
import { outputTensorNames } from './tensorNames.ts';
import { elementsOf, type WeightSource } from './weights.ts';

/** The tensors by which the mask's blocks write to the residual stream. */
export function silencedTensors({ config }: Pick<WeightSource, 'config'>, mask: Mask): string[] {
  return mask.blocks.flatMap((block) => {
    const { weight, bias } = outputTensorNames(config, block);
    return bias === null ? [weight] : [weight, bias];
  });
}

/** Edits after which the mask's blocks add zero. */
export function silenceEdits(source: WeightSource, mask: Mask): RewriteEdit[] {
  return silencedTensors(source, mask).map((tensor) => ({
    type: 'rewrite',
    tensor,
    values: (old) => Promise.resolve(new Float32Array(elementsOf(old, tensor))),
  }));
}
