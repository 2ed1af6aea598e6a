/**
 * Llama and the families that differ from it in a few fields: one table. Defaults are those of the
 * transformers class, for files that leave a field out.
 */
import { uniformLayers, type MhaSpec, type FamilyName, type ModelConfig } from '../../../model/config.ts';
import type { Fields } from '../fields.ts';
import { refuseUnlessNeutral } from '../neutralFields.ts';
import { parseRope } from '../ropeConfig.ts';
import { noWindow, windowOfAllLayers, windowOfUpperLayers } from '../slidingWindow.ts';
import { limits, tokenFields, type ParsedFamily } from './shared.ts';

interface LlamaLike {
  /**
   * What an absent (not null) `num_key_value_heads` means; null: as many as query heads, as null
   * does in a file.
   */
  keyValueHeads: number | null;
  /** What an absent `head_dim` means; null: hidden size / heads, as null does in a file. */
  headDim: number | null;
  maxPositions: number;
  attentionBias: (fields: Fields) => ModelConfig['attentionBias'];
  mlpBias: (fields: Fields) => boolean;
  qkNorm: boolean;
  slidingWindow: (fields: Fields, layers: number) => (number | null)[];
}

const allOrNone = (fields: Fields): ModelConfig['attentionBias'] => {
  const bias = fields.flag('attention_bias', false);
  return { qkv: bias, output: bias };
};

/**
 * For a class that has no biases, whatever the field says; a file that asks for them is refused.
 */
const without =
  (field: string) =>
  (fields: Fields): false => {
    refuseUnlessNeutral(fields, { [field]: false });
    return false;
  };

const families: Readonly<Record<Exclude<FamilyName, 'gpt2'>, LlamaLike>> = {
  llama: {
    keyValueHeads: null,
    headDim: null,
    maxPositions: 2048,
    attentionBias: allOrNone,
    mlpBias: (fields) => fields.flag('mlp_bias', false),
    qkNorm: false,
    slidingWindow: noWindow,
  },
  mistral: {
    keyValueHeads: 8,
    headDim: null,
    maxPositions: 131_072,
    attentionBias: (fields) => ({ qkv: without('attention_bias')(fields), output: false }),
    mlpBias: without('mlp_bias'),
    qkNorm: false,
    slidingWindow: windowOfAllLayers,
  },
  qwen2: {
    keyValueHeads: 32,
    headDim: null,
    maxPositions: 32_768,
    // Always there on q, k and v; the class does not read the field.
    attentionBias(fields) {
      fields.raw('attention_bias');
      return { qkv: true, output: false };
    },
    mlpBias: without('mlp_bias'),
    qkNorm: false,
    slidingWindow: windowOfUpperLayers,
  },
  qwen3: {
    keyValueHeads: 32,
    headDim: 128,
    maxPositions: 32_768,
    attentionBias: allOrNone,
    mlpBias: without('mlp_bias'),
    qkNorm: true,
    slidingWindow: windowOfUpperLayers,
  },
};

export function parseLlamaLike(family: Exclude<FamilyName, 'gpt2'>, fields: Fields): ParsedFamily {
  const table = families[family];
  refuseUnlessNeutral(fields);
  const activation = fields.text('hidden_act', 'silu');
  // Two names of one function, x · sigmoid(x).
  if (activation !== 'silu' && activation !== 'swish') throw fields.unsupported('hidden_act', activation);
  const layers = fields.count('num_hidden_layers', limits.layers);
  const { hiddenSize, headDim, heads, kvHeads } = headFields(table, fields);
  const { rope, unknownFields } = parseRope(fields, 10_000);
  const config: ModelConfig = {
    family,
    layers: uniformLayers({
      heads,
      kvHeads,
      intermediateSize: fields.count('intermediate_size', limits.width),
      windows: table.slidingWindow(fields, layers),
    }),
    hiddenSize,
    headDim,
    vocabSize: fields.count('vocab_size', limits.vocabulary),
    maxPositionEmbeddings: fields.count('max_position_embeddings', limits.positions, table.maxPositions),
    norm: { type: 'rms', eps: fields.positive('rms_norm_eps', 1e-6) },
    mlp: 'swiglu',
    rope,
    learnedPositions: false,
    attentionBias: table.attentionBias(fields),
    mlpBias: table.mlpBias(fields),
    qkNorm: table.qkNorm,
    tieWordEmbeddings: fields.flag('tie_word_embeddings', false),
    ...tokenFields(fields),
  };
  return { config, unknownFields };
}

function headFields(
  table: LlamaLike,
  fields: Fields,
): Pick<ModelConfig, 'hiddenSize' | 'headDim'> & Pick<MhaSpec, 'heads' | 'kvHeads'> {
  const hiddenSize = fields.count('hidden_size', limits.width);
  const heads = fields.count('num_attention_heads', limits.heads);
  const absentKv = fields.raw('num_key_value_heads') === undefined ? table.keyValueHeads : null;
  const kvHeads = fields.count('num_key_value_heads', limits.heads, absentKv ?? heads);
  if (heads % kvHeads !== 0) {
    throw fields.bad(`field 'num_attention_heads' (${heads}) is not a multiple of 'num_key_value_heads' (${kvHeads}).`);
  }
  const absentDim = fields.raw('head_dim') === undefined ? table.headDim : null;
  if (absentDim === null && !fields.has('head_dim') && hiddenSize % heads !== 0) {
    throw fields.bad(
      `field 'hidden_size' (${hiddenSize}) is not a multiple of 'num_attention_heads' (${heads}), and 'head_dim' is missing.`,
    );
  }
  const headDim = fields.count('head_dim', limits.width, absentDim ?? hiddenSize / heads);
  // Rotary embedding turns pairs.
  if (headDim % 2 !== 0) throw fields.bad(`field 'head_dim' is ${headDim}, an odd number.`);
  return { hiddenSize, headDim, heads, kvHeads };
}
