/** config.json made from a ModelConfig: config.ts the other way round. */
import { uniformShape, type ModelConfig, type UniformLayers } from '../../model/config.ts';
import { parseHfConfig } from './config.ts';

/**
 * The fields of a config.json that reads back as this config; null where there is no such file. It
 * cannot leave blocks out, give layers sizes of their own, divide frequencies one by one as GGUF
 * does, or put biases where the family has none.
 */
export function configJson(config: ModelConfig): Record<string, unknown> | null {
  const layers = uniformShape(config.layers);
  if (layers === null) return null;
  const fields = {
    model_type: config.family,
    vocab_size: config.vocabSize,
    tie_word_embeddings: config.tieWordEmbeddings,
    bos_token_id: config.bosTokenId,
    eos_token_id: [...config.eosTokenIds],
    pad_token_id: config.padTokenId,
    ...(config.family === 'gpt2' ? gpt2Fields(config, layers) : llamaFields(config, layers)),
  };
  return readsBack(fields, config) ? fields : null;
}

function gpt2Fields(config: ModelConfig, { heads, intermediateSize, windows }: UniformLayers): object {
  return {
    n_embd: config.hiddenSize,
    n_inner: intermediateSize,
    n_layer: windows.length,
    n_head: heads,
    n_positions: config.maxPositionEmbeddings,
    layer_norm_epsilon: config.norm.eps,
    activation_function: config.mlp,
  };
}

function llamaFields(config: ModelConfig, { heads, kvHeads, intermediateSize, windows }: UniformLayers): object {
  return {
    hidden_size: config.hiddenSize,
    intermediate_size: intermediateSize,
    num_hidden_layers: windows.length,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: config.headDim,
    max_position_embeddings: config.maxPositionEmbeddings,
    rms_norm_eps: config.norm.eps,
    hidden_act: 'silu',
    attention_bias: config.family === 'qwen2' ? undefined : config.attentionBias.qkv,
    mlp_bias: config.mlpBias,
    ...ropeFields(config),
    ...windowFields(config, windows),
  };
}

function ropeFields({ rope }: ModelConfig): object {
  if (rope === null) return {};
  const { theta, scaling } = rope;
  switch (scaling.type) {
    case 'linear':
      return { rope_theta: theta, rope_scaling: { rope_type: 'linear', factor: scaling.factor } };
    case 'llama3':
      return {
        rope_theta: theta,
        rope_scaling: {
          rope_type: 'llama3',
          factor: scaling.factor,
          low_freq_factor: scaling.lowFreqFactor,
          high_freq_factor: scaling.highFreqFactor,
          original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
        },
      };
    default:
      return { rope_theta: theta };
  }
}

/** Mistral has one window for all layers, the Qwens a list of which layers have it, Llama none. */
function windowFields({ family }: ModelConfig, windows: readonly (number | null)[]): object {
  if (family === 'mistral') return { sliding_window: windows[0] };
  if (family === 'llama') return {};
  const window = windows.find((one) => one !== null) ?? null;
  return {
    use_sliding_window: window !== null,
    sliding_window: window,
    layer_types: windows.map((one) => (one === null ? 'full_attention' : 'sliding_attention')),
  };
}

function readsBack(fields: Record<string, unknown>, config: ModelConfig): boolean {
  try {
    return sameValue(parseHfConfig(fields, 'config.json').config, config);
  } catch {
    return false;
  }
}

/** Whether two configs say the same, whatever the order of their keys. */
function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return (
    left.length === right.size && left.every(([name, value]) => right.has(name) && sameValue(value, right.get(name)))
  );
}
