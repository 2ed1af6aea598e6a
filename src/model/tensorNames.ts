/**
 * Canonical tensor names, Hugging Face's, per family. Every WeightSource answers to these, whatever
 * its file calls the tensors; every projection is [out, in].
 */
import type { BlockId } from './blockId.ts';
import type { ModelConfig } from './config.ts';

export interface ModelTensorNames {
  embedding: string;
  /** Learned positions [maxPositionEmbeddings, C], GPT-2 only. */
  positions: string | null;
  finalNorm: NormNames;
  /** The LM head; the embedding where tied. */
  head: string;
}
export interface NormNames {
  weight: string;
  bias: string | null;
}
export interface LinearNames {
  weight: string;
  bias: string | null;
}
export interface MhaTensorNames {
  norm: NormNames;
  /** Three projections, or GPT-2's fused one with rows q | k | v. */
  qkv: { q: LinearNames; k: LinearNames; v: LinearNames } | { fused: LinearNames };
  output: LinearNames;
  qNorm: string | null;
  kNorm: string | null;
}
export interface MlpTensorNames {
  norm: NormNames;
  /** SwiGLU's gate; null for GPT-2's two-matrix MLP. */
  gate: LinearNames | null;
  up: LinearNames;
  down: LinearNames;
}

export function modelTensorNames(config: ModelConfig): ModelTensorNames {
  if (config.family === 'gpt2') {
    return {
      embedding: 'transformer.wte.weight',
      positions: 'transformer.wpe.weight',
      finalNorm: norm('transformer.ln_f', true),
      head: config.tieWordEmbeddings ? 'transformer.wte.weight' : 'lm_head.weight',
    };
  }
  return {
    embedding: 'model.embed_tokens.weight',
    positions: null,
    finalNorm: norm('model.norm', false),
    head: config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight',
  };
}

export function mhaTensorNames(config: ModelConfig, layer: number): MhaTensorNames {
  if (config.family === 'gpt2') {
    const prefix = `transformer.h.${layer}`;
    return {
      norm: norm(`${prefix}.ln_1`, true),
      qkv: { fused: linear(`${prefix}.attn.c_attn`, true) },
      output: linear(`${prefix}.attn.c_proj`, true),
      qNorm: null,
      kNorm: null,
    };
  }
  const prefix = `model.layers.${layer}`;
  const { qkv, output } = config.attentionBias;
  return {
    norm: norm(`${prefix}.input_layernorm`, false),
    qkv: {
      q: linear(`${prefix}.self_attn.q_proj`, qkv),
      k: linear(`${prefix}.self_attn.k_proj`, qkv),
      v: linear(`${prefix}.self_attn.v_proj`, qkv),
    },
    output: linear(`${prefix}.self_attn.o_proj`, output),
    qNorm: config.qkNorm ? `${prefix}.self_attn.q_norm.weight` : null,
    kNorm: config.qkNorm ? `${prefix}.self_attn.k_norm.weight` : null,
  };
}

export function mlpTensorNames(config: ModelConfig, layer: number): MlpTensorNames {
  if (config.family === 'gpt2') {
    const prefix = `transformer.h.${layer}`;
    return {
      norm: norm(`${prefix}.ln_2`, true),
      gate: null,
      up: linear(`${prefix}.mlp.c_fc`, true),
      down: linear(`${prefix}.mlp.c_proj`, true),
    };
  }
  const prefix = `model.layers.${layer}`;
  return {
    norm: norm(`${prefix}.post_attention_layernorm`, false),
    gate: linear(`${prefix}.mlp.gate_proj`, config.mlpBias),
    up: linear(`${prefix}.mlp.up_proj`, config.mlpBias),
    down: linear(`${prefix}.mlp.down_proj`, config.mlpBias),
  };
}

/** The projection by which a block writes to the residual stream: o_proj, down_proj, c_proj. */
export function outputTensorNames(config: ModelConfig, { kind, layer }: BlockId): LinearNames {
  return kind === 'mha' ? mhaTensorNames(config, layer).output : mlpTensorNames(config, layer).down;
}

function norm(prefix: string, bias: boolean): NormNames {
  return { weight: `${prefix}.weight`, bias: bias ? `${prefix}.bias` : null };
}

function linear(prefix: string, bias: boolean): LinearNames {
  return { weight: `${prefix}.weight`, bias: bias ? `${prefix}.bias` : null };
}
