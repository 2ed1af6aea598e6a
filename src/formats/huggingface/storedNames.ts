/**
 * Names of a checkpoint's tensors without what programs wrap around a model: `torch.compile`, data
 * parallelism, FSDP and activation checkpointing put a part of their own into every name they save,
 * trainers put the model below a field of theirs (`module.`, `base_model.model.`, `policy.`).
 */
import { FormatError, UnsupportedModelError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import { modelTensorNames } from '../../model/tensorNames.ts';
import { quoted } from '../quoted.ts';
import type { StoredTensor } from '../safetensors/checkpoint.ts';

/** Parts that may stand anywhere in a name. */
const wrappers = /(?<=^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\./g;
/** What PEFT adds beside or inside a module: the weights alone are not the model. */
const adapterPart = /\.(?:lora_[A-Za-z_]+|base_layer|modules_to_save)\./;

/** A tensor and the name it has in its file. */
export interface NamedTensor extends StoredTensor {
  readonly storedName: string;
}

export interface StoredNames {
  /** By the name without wrappers. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** What was left out of names, each once. */
  readonly leftOut: readonly string[];
}

/**
 * @param where the folder, for messages.
 * @throws FormatError where two tensors would get one name, or the model could be below two
 * prefixes; UnsupportedModelError for adapters that are not merged.
 */
export function storedNames(
  stored: ReadonlyMap<string, StoredTensor>,
  config: ModelConfig,
  where: string,
): StoredNames {
  const adapter = [...stored.keys()].find((name) => adapterPart.test(name));
  if (adapter !== undefined) {
    throw new UnsupportedModelError(`holds an adapter that is not merged into its model (tensor ${quoted(adapter)}).`, {
      where,
      remedy: 'Merge it, with merge_and_unload of peft, and save the model again.',
    });
  }
  const leftOut = new Set<string>();
  const unwrapped = [...stored].map(([storedName, tensor]) => {
    for (const [part] of storedName.matchAll(wrappers)) leftOut.add(part);
    return { ...tensor, storedName, name: storedName.replaceAll(wrappers, '') };
  });
  const prefix = outerPrefix(new Set(unwrapped.map(({ name }) => name)), config, where);
  if (prefix !== '') leftOut.add(prefix);
  const tensors = new Map<string, NamedTensor>();
  for (const { name: wrapped, ...tensor } of unwrapped) {
    const name = wrapped.startsWith(prefix) ? wrapped.slice(prefix.length) : wrapped;
    const other = tensors.get(name);
    if (other !== undefined) {
      throw new FormatError(
        `tensors ${quoted(other.storedName)} and ${quoted(tensor.storedName)} are both ${quoted(name)}.`,
        {
          where,
          remedy: 'Save the model again, without one of them.',
        },
      );
    }
    tensors.set(name, tensor);
  }
  return { tensors, leftOut: [...leftOut] };
}

/**
 * The stored name of a canonical one: a checkpoint of the bare model, as GPT-2's first one, lacks
 * the first part.
 */
export function bareName(name: string): string {
  return name.replace(/^(?:model|transformer)\./, '');
}

/**
 * What stands before the name of a tensor that every model has. Empty where that name is there as
 * it should be.
 */
function outerPrefix(names: ReadonlySet<string>, config: ModelConfig, where: string): string {
  const { embedding } = modelTensorNames(config);
  const anchors = [embedding, bareName(embedding), 'lm_head.weight'];
  if (anchors.some((anchor) => names.has(anchor))) return '';
  for (const anchor of anchors) {
    const found = [...names].filter((name) => name.endsWith(`.${anchor}`));
    if (found.length > 1) {
      throw new FormatError(
        `could be one of several models: ${found
          .slice(0, 3)
          .map((name) => quoted(name))
          .join(', ')}.`,
        {
          where,
          remedy: 'Save one of them alone.',
        },
      );
    }
    if (found.length === 1) return found[0].slice(0, -anchor.length);
  }
  return '';
}
