/** What a folder without safetensors weights has instead, said by name. */
import { NotFoundError, UnsupportedModelError, type BlockprunerError } from '../../errors.ts';
import type { Folder } from '../../platform/folder.ts';
import { fewQuoted } from '../quoted.ts';

/**
 * Weights in formats of other programs. Pickles can run code when they are read; none of these is
 * read.
 */
const formats: readonly (readonly [RegExp, string])[] = [
  [/^pytorch_model.*\.bin(?:\.index\.json)?$|\.(?:bin|pt|pth|ckpt)$/, 'PyTorch'],
  [/^tf_model.*\.h5(?:\.index\.json)?$/, 'TensorFlow'],
  [/\.msgpack$/, 'Flax'],
  [/\.onnx(?:_data)?$/, 'ONNX'],
];

/** The error for a folder that has neither of the two names weights go by. */
export function noWeights(folder: Pick<Folder, 'name' | 'files'>): BlockprunerError {
  return (
    otherWeights(folder) ??
    new NotFoundError('has neither model.safetensors nor model.safetensors.index.json.', {
      where: folder.name,
      remedy: 'Save the model as safetensors, or point to a .gguf file.',
    })
  );
}

/**
 * The error for a folder or a repository whose weights are of another kind; null where there are
 * none at all.
 */
export function otherWeights({ name: where, files }: Pick<Folder, 'name' | 'files'>): BlockprunerError | null {
  const names = [...files].toSorted();
  if (files.has('adapter_config.json') || names.some((name) => name.startsWith('adapter_model.'))) {
    return new UnsupportedModelError('holds an adapter (LoRA), not a model.', {
      where,
      remedy: 'Merge it into its base model, with merge_and_unload of peft, and save the result.',
    });
  }
  const safetensors = names.filter((name) => name.endsWith('.safetensors'));
  if (safetensors.length > 0) {
    return new NotFoundError(
      `has ${fewQuoted(safetensors, 3)}, but neither model.safetensors nor model.safetensors.index.json.`,
      { where, remedy: 'Download the index too, or save the model again with save_pretrained.' },
    );
  }
  for (const [pattern, program] of formats) {
    const found = names.filter((name) => pattern.test(name));
    if (found.length === 0) continue;
    return new UnsupportedModelError(`has its weights in a format of ${program} alone: ${fewQuoted(found, 3)}.`, {
      where,
      remedy: 'Load it in transformers and save it again with save_pretrained, which writes safetensors.',
    });
  }
  return null;
}
