/**
 * GPT-2: learned positions, LayerNorm, a fused q | k | v projection, biases everywhere, fields with
 * names of their own.
 */
import { uniformLayers, type ModelConfig } from '../../../model/config.ts';
import type { Fields } from '../fields.ts';
import { refuseUnlessNeutral } from '../neutralFields.ts';
import { limits, tokenFields, type ParsedFamily } from './shared.ts';

/**
 * `gelu_new` and `gelu_pytorch_tanh` are one function, the tanh approximation; `gelu` is the exact
 * one.
 */
const activations: Readonly<Record<string, ModelConfig['mlp']>> = {
  gelu_new: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  gelu: 'gelu',
};

export function parseGpt2(fields: Fields): ParsedFamily {
  refuseUnlessNeutral(fields);
  refuseUnlessNeutral(fields, { scale_attn_weights: true, scale_attn_by_inverse_layer_idx: false });
  const activation = fields.text('activation_function', 'gelu_new');
  if (!Object.hasOwn(activations, activation)) throw fields.unsupported('activation_function', activation);
  const hiddenSize = fields.count('n_embd', limits.width);
  const heads = fields.count('n_head', limits.heads);
  if (hiddenSize % heads !== 0)
    throw fields.bad(`field 'n_embd' (${hiddenSize}) is not a multiple of 'n_head' (${heads}).`);
  const layers = fields.count('n_layer', limits.layers);
  const config: ModelConfig = {
    family: 'gpt2',
    hiddenSize,
    layers: uniformLayers({
      heads,
      kvHeads: heads,
      intermediateSize: fields.count('n_inner', limits.width, 4 * hiddenSize),
      windows: Array.from({ length: layers }, () => null),
    }),
    headDim: hiddenSize / heads,
    vocabSize: fields.count('vocab_size', limits.vocabulary),
    maxPositionEmbeddings: fields.count('n_positions', limits.positions),
    norm: { type: 'layer', eps: fields.positive('layer_norm_epsilon', 1e-5) },
    mlp: activations[activation],
    rope: null,
    learnedPositions: true,
    attentionBias: { qkv: true, output: true },
    mlpBias: true,
    qkNorm: false,
    tieWordEmbeddings: fields.flag('tie_word_embeddings', true),
    ...tokenFields(fields),
  };
  return { config, unknownFields: [] };
}
