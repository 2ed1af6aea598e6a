import { NotFoundError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import { serializeSafetensors, type TensorToWrite } from '../safetensors/write.ts';
import { expectedTensors } from './tensorShapes.ts';
import { transpose } from './transpose.ts';

/**
 * A model's weights as the bytes of model.safetensors, in the layout the family's files have
 * (GPT-2's projections are [in, out] there). A tied head is not stored.
 * @param weights by canonical name, every projection [out, in].
 * @throws NotFoundError for a tensor the config asks for that is not there.
 */
export function writeModelTensors(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  dtype: TensorToWrite['dtype'],
): Uint8Array {
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, { shape, transposed }] of expectedTensors(config)) {
    const data = weights.get(name);
    if (data === undefined) throw new NotFoundError(`there is no tensor '${name}' to write.`);
    tensors.set(
      name,
      transposed
        ? { shape: shape.toReversed(), dtype, data: transpose(data, shape[0], shape[1]) }
        : { shape, dtype, data },
    );
  }
  return serializeSafetensors(tensors);
}
