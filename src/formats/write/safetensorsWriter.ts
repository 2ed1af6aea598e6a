/** A model as Hugging Face's folders hold it: config.json and one model.safetensors. */
import { FormatError, NotFoundError, ShapeError, UnsupportedModelError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { WeightSource } from '../../model/weights.ts';
import { F16_END } from '../../tensor/halfFloat.ts';
import { configJson } from '../huggingface/configJson.ts';
import { expectedTensors } from '../huggingface/tensorShapes.ts';
import { transpose } from '../huggingface/transpose.ts';
import { SINGLE_FILE } from '../safetensors/checkpoint.ts';
import { streamSafetensors, type TensorHeader } from '../safetensors/write.ts';
import type { Companions, FileToWrite, ModelWriter } from './modelWriter.ts';

const CONFIG_FILE = 'config.json';

export type StoredType = TensorHeader['dtype'];

/**
 * Weights in the layout the family's files have (GPT-2's projections are [in, out] there), all in
 * one type, rounded to nearest, ties to even. A tied head is not stored.
 * A config.json among the companions is written as it is; without one it is made from the config.
 */
export function safetensorsWriter(dtype: StoredType): ModelWriter {
  return {
    name: `safetensors ${dtype}`,
    refuses: unsaid,
    files(source, companions) {
      const headers = new Map<string, TensorHeader>();
      const expected = expectedTensors(source.config);
      for (const [name, { shape, transposed }] of expected) {
        checkTensor(source, name, shape);
        headers.set(name, { dtype, shape: transposed ? shape.toReversed() : shape });
      }
      const dataOf = async (name: string): Promise<Float32Array> => {
        const data = await source.tensor(name);
        if (dtype === 'F16') checkRange(source.name, name, data);
        const { shape, transposed } = expected.get(name) ?? { shape: [], transposed: false };
        return transposed ? transpose(data, shape[0], shape[1]) : data;
      };
      return [
        ...companionFiles(withConfig(companions, source)),
        { name: SINGLE_FILE, pieces: streamSafetensors(headers, dataOf) },
      ];
    },
  };
}

/** The type most of a model's numbers are stored in, if we write it, else F16. */
export function storedType({ tensors }: WeightSource): StoredType {
  const [{ dtype }] = [...tensors.values()].toSorted((a, b) => b.bytes - a.bytes);
  return (['F32', 'F16', 'BF16'] as const).find((known) => known === dtype) ?? 'F16';
}

/** config.json states one size for all layers, and that each has both blocks. */
function unsaid({ layers }: ModelConfig): string | null {
  const gone = layers.flatMap(({ mha, mlp }, layer) => [
    ...(mha === null ? [`L${layer}.mha`] : []),
    ...(mlp === null ? [`L${layer}.mlp`] : []),
  ]);
  if (gone.length > 0)
    return `config.json cannot leave a block out, and ${gone.join(', ')} ${gone.length > 1 ? 'are' : 'is'} not there`;
  const [first] = layers;
  const other = layers.findIndex(({ mha, mlp }) => {
    return (
      mha?.heads !== first.mha?.heads ||
      mha?.kvHeads !== first.mha?.kvHeads ||
      mlp?.intermediateSize !== first.mlp?.intermediateSize
    );
  });
  return other < 0
    ? null
    : `config.json states one size for all layers, and layer ${other} has another one than layer 0`;
}

/** @throws UnsupportedModelError where none is given and none can be made. */
function withConfig(companions: Companions, { name, config }: WeightSource): Companions {
  if (companions.has(CONFIG_FILE)) return companions;
  const fields = configJson(config);
  if (fields === null) {
    throw new UnsupportedModelError(`no ${CONFIG_FILE} can say all that this model's config does.`, {
      where: name,
      remedy: `Give a ${CONFIG_FILE} of your own along.`,
    });
  }
  return new Map([...companions, [CONFIG_FILE, new TextEncoder().encode(`${JSON.stringify(fields, null, 2)}\n`)]]);
}

function companionFiles(companions: Companions): FileToWrite[] {
  return [...companions].map(([name, bytes]) => ({ name, pieces: [bytes] }));
}

function checkTensor({ tensors }: WeightSource, name: string, shape: readonly number[]): void {
  const found = tensors.get(name);
  if (found === undefined) throw new NotFoundError(`there is no tensor '${name}' to write.`);
  if (found.shape.length === shape.length && found.shape.every((size, axis) => size === shape[axis])) return;
  throw new ShapeError(`is [${found.shape.join(', ')}], and the config says [${shape.join(', ')}].`, { where: name });
}

/** @throws FormatError for a number that F16 would make infinite. */
function checkRange(where: string, name: string, data: Float32Array): void {
  const at = data.findIndex((value) => Math.abs(value) >= F16_END && Number.isFinite(value));
  if (at < 0) return;
  throw new FormatError(`${data[at]} in ${name} is more than F16 holds.`, { where, remedy: 'Write F32 or BF16.' });
}
