/**
 * GGUF files that are not models: the container also holds adapters, projectors, statistics and
 * parts.
 */
import { UnsupportedModelError } from '../../errors.ts';
import { quoted, shortJson } from '../quoted.ts';
import type { GgufFile } from './parse.ts';
import { parseSplitName } from './splitName.ts';

interface Kind {
  readonly is: (file: GgufFile) => boolean;
  readonly what: string;
  readonly remedy: string;
}

const kinds: readonly Kind[] = [
  {
    is: (file) => says(file, 'general.type', 'adapter') || file.metadata.has('adapter.type'),
    what: 'is an adapter (LoRA), not a model.',
    remedy: 'Give the base model, or merge the two with llama-export-lora.',
  },
  {
    is: (file) => says(file, 'general.type', 'mmproj') || says(file, 'general.architecture', 'clip'),
    what: 'is the projector of a multimodal model (mmproj), not a language model.',
    remedy: 'Give the .gguf file of the language model.',
  },
  {
    is: (file) =>
      says(file, 'general.type', 'imatrix') || [...file.metadata.keys()].some((key) => key.startsWith('imatrix.')),
    what: 'is an importance matrix (imatrix) for quantising a model, not a model.',
    remedy: 'Give the .gguf file of the model.',
  },
  {
    is: (file) => says(file, 'general.architecture', 'controlvector'),
    what: 'is a control vector, not a model.',
    remedy: 'Give the .gguf file of the model.',
  },
  {
    is: (file) => (file.metadata.get('split.no') ?? 0) !== 0,
    what: 'is a later part of a split model.',
    remedy: 'Give its first part, NAME-00001-of-0000N.gguf.',
  },
  {
    is: (file) => file.tensors.size === 0 && (file.metadata.get('split.count') ?? 0) === 0,
    what: 'has no tensors, a vocabulary at most.',
    remedy: 'Give the .gguf file of a model.',
  },
];

/**
 * @throws UnsupportedModelError naming what the file is where it is not a model, nor the first part
 * of one.
 */
export function refuseOtherKinds(file: GgufFile): void {
  const kind = kinds.find(({ is }) => is(file));
  if (kind === undefined) return;
  const number = file.metadata.get('split.no');
  const count = file.metadata.get('split.count');
  if (typeof number !== 'number' || number === 0) {
    throw new UnsupportedModelError(kind.what, { where: file.name, remedy: kind.remedy });
  }
  const first = parseSplitName(/[^/\\]*$/.exec(file.name)?.[0] ?? '')?.all[0];
  throw new UnsupportedModelError(`is part ${number + 1} of ${shortJson(count)} of a split model.`, {
    where: file.name,
    remedy: first === undefined ? kind.remedy : `Give its first part, ${quoted(first)}.`,
  });
}

function says({ metadata }: GgufFile, key: string, value: string): boolean {
  return metadata.get(key) === value;
}
