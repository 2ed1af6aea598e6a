/** Random models of a few thousand parameters, one maker for every family. */
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { openHfFolder } from '../../src/formats/huggingface/weightSource.ts';
import type { TensorToWrite } from '../../src/formats/safetensors/write.ts';
import { familyNames, type FamilyName } from '../../src/model/config.ts';
import { Transformer } from '../../src/model/transformer.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { memoryFolder, randomWeights, singleFile } from '../formats/huggingface/tinyModel.ts';

export const families: readonly FamilyName[] = familyNames;

/** Vocabulary of the models made here, and the positions they have. */
export const TINY_VOCAB = 37;
export const TINY_CONTEXT = 64;

export interface TinyOptions {
  /** Mistral slides a window of 5 keys. */
  family?: FamilyName;
  layers?: number;
  seed?: number;
  backend?: Backend;
  /** Budget for packed weights. */
  weightBytes?: number;
  /** Fields of config.json to add or replace. */
  config?: Readonly<Record<string, unknown>>;
  /** Changes tensors before they are written; names and shapes are the file's. */
  edit?: (tensors: Map<string, TensorToWrite>) => void;
}

export interface TinyModel {
  model: Transformer;
  source: WeightSource;
}

/**
 * A model on the reference backend unless another is given. The same seed gives the same weights.
 */
export async function tinyTransformer(options: TinyOptions = {}): Promise<TinyModel> {
  const source = await tinySource(options);
  const { backend = referenceBackend(), weightBytes = 2 ** 24 } = options;
  return { model: await Transformer.load(source, backend, weightBytes), source };
}

/** The weights alone. */
export async function tinySource(options: TinyOptions = {}): Promise<WeightSource> {
  const { family = 'llama', layers = 2, seed = 1, edit = () => {} } = options;
  const config = { ...tinyConfig(family, layers), ...options.config };
  const tensors = new Map([...randomWeights(config, seed)].map(([name, tensor]) => [name, tempered(name, tensor)]));
  edit(tensors);
  return (await openHfFolder(memoryFolder(singleFile(config, tensors)))).weights;
}

/** The config.json of a tiny model. */
export function tinyConfig(family: FamilyName, layers: number): Record<string, unknown> {
  if (family === 'gpt2') {
    return {
      model_type: 'gpt2',
      n_embd: 16,
      n_inner: 24,
      n_layer: layers,
      n_head: 4,
      n_positions: TINY_CONTEXT,
      vocab_size: TINY_VOCAB,
      // The defaults lie outside so small a vocabulary.
      bos_token_id: 1,
      eos_token_id: 2,
    };
  }
  return {
    model_type: family,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: layers,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 6,
    max_position_embeddings: TINY_CONTEXT,
    vocab_size: TINY_VOCAB,
    bos_token_id: 1,
    eos_token_id: 2,
    ...(family === 'mistral' ? { sliding_window: 5 } : {}),
  };
}

/**
 * Sizes as in a trained model: gains near 1, small biases, and matrices that keep a row's length
 * about as it is.
 */
function tempered(name: string, tensor: TensorToWrite): TensorToWrite {
  const isGain = tensor.shape.length === 1 && name.endsWith('.weight');
  const scale = tensor.shape.length === 1 ? 0.1 : 0.25;
  return { ...tensor, data: tensor.data.map((value) => (isGain ? 1 : 0) + scale * value) };
}
