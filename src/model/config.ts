import type { RopeConfig } from '../ops/ropeTable.ts';

/**
 * The one model description that every family's config.json or GGUF metadata is turned into. Field names are
 * Hugging Face's, camel-cased. Whatever is here changes the numbers; what does not is left in the files.
 */

export type { RopeConfig };

export type FamilyName = 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gpt2';

export interface ModelConfig {
  family: FamilyName;
  hiddenSize: number;
  intermediateSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  numKeyValueHeads: number;
  headDim: number;
  vocabSize: number;
  maxPositionEmbeddings: number;
  norm: { type: 'rms' | 'layer'; eps: number };
  /** `swiglu`: down(silu(gate(x)) · up(x)); `gelu_new` / `gelu`: down(gelu(up(x))), GPT-2's MLP. */
  mlp: 'swiglu' | 'gelu_new' | 'gelu';
  /** Rotary embedding, or null where positions are learned (GPT-2). */
  rope: RopeConfig | null;
  learnedPositions: boolean;
  attentionBias: { qkv: boolean; output: boolean };
  mlpBias: boolean;
  /** RMSNorm over each query and key head before RoPE (Qwen3). */
  qkNorm: boolean;
  /** Keys each layer's queries may see, counting themselves; null = all. Length numHiddenLayers. */
  slidingWindow: readonly (number | null)[];
  tieWordEmbeddings: boolean;
  bosTokenId: number | null;
  eosTokenIds: readonly number[];
  padTokenId: number | null;
}

/** A parsed config and what was seen on the way, to be warned about once. */
export interface ParsedConfig {
  config: ModelConfig;
  /** Names of unknown fields. */
  unknownFields: readonly string[];
  /**
   * Special tokens that lie outside the vocabulary and are left out of the config: `bos_token_id
   * 32000`.
   */
  idsOutside: readonly string[];
}
