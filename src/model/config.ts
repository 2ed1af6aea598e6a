import { ShapeError } from '../errors.ts';
import type { RopeConfig } from '../ops/ropeTable.ts';

/**
 * The one model description that every family's config.json or GGUF metadata is turned into. Field
 * names are Hugging Face's, camel-cased, except for `layers`, which says the shape of each layer.
 * Whatever is here changes the numbers; what does not is left in the files.
 */

export type { RopeConfig };

export const familyNames = ['llama', 'mistral', 'qwen2', 'qwen3', 'gpt2'] as const;
export type FamilyName = (typeof familyNames)[number];

/** The attention of one layer. */
export interface MhaSpec {
  /** Query heads. */
  readonly heads: number;
  /** Key/value heads; each serves heads / kvHeads query heads. */
  readonly kvHeads: number;
  /** Keys a query may see, its own among them; null = all before it. */
  readonly window: number | null;
}

/** The MLP of one layer. */
export interface MlpSpec {
  readonly intermediateSize: number;
}

/** The shape of one layer. Null = the layer has no such block: it was removed from the model. */
export interface LayerSpec {
  readonly mha: MhaSpec | null;
  readonly mlp: MlpSpec | null;
}

/** Whatever has layers: a config, or what stands for one. */
export interface Layered {
  readonly layers: readonly LayerSpec[];
}

export interface ModelConfig {
  family: FamilyName;
  hiddenSize: number;
  /** From the input to the output. */
  layers: readonly LayerSpec[];
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

/** What a family's file says of all layers alike. */
export interface UniformLayers {
  readonly heads: number;
  readonly kvHeads: number;
  readonly intermediateSize: number;
  /** Each layer's window, so one entry a layer. */
  readonly windows: readonly (number | null)[];
}

/** Layers that all have both blocks, in one size. */
export function uniformLayers({ heads, kvHeads, intermediateSize, windows }: UniformLayers): LayerSpec[] {
  return windows.map((window) => ({ mha: { heads, kvHeads, window }, mlp: { intermediateSize } }));
}

/** What `uniformLayers` was given to make these layers; null where they are not all alike. */
export function uniformShape(layers: readonly LayerSpec[]): UniformLayers | null {
  const [first] = layers;
  if (first === undefined || first.mha === null || first.mlp === null) return null;
  const { heads, kvHeads } = first.mha;
  const { intermediateSize } = first.mlp;
  const alike = layers.every(({ mha, mlp }) => {
    return mha?.heads === heads && mha.kvHeads === kvHeads && mlp?.intermediateSize === intermediateSize;
  });
  const windows = layers.map(({ mha }) => mha?.window ?? null);
  return alike ? { heads, kvHeads, intermediateSize, windows } : null;
}

/**
 * A config as documents state it. Where all layers are alike, they are stated by Hugging Face's
 * fields (`numHiddenLayers`, `numAttentionHeads`, …) in place of `layers`.
 */
export function configFields(config: ModelConfig): Record<string, unknown> {
  const uniform = uniformShape(config.layers);
  if (uniform === null) return { ...config };
  const { heads, kvHeads, intermediateSize, windows } = uniform;
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(config)) {
    if (name === 'headDim') Object.assign(fields, { numAttentionHeads: heads, numKeyValueHeads: kvHeads });
    if (name === 'layers') Object.assign(fields, { intermediateSize, numHiddenLayers: windows.length });
    else fields[name] = value;
    if (name === 'qkNorm') fields.slidingWindow = windows;
  }
  return fields;
}

/**
 * The text that a journal hashes to know its model's config again. It depends on the order of the
 * keys, which is the reader's, so that order must stay as it is.
 */
export function configIdentity(config: ModelConfig): string {
  return JSON.stringify(configFields(config));
}

/** @throws ShapeError where the model has no MHA in that layer. */
export function mhaSpec({ layers }: Layered, layer: number): MhaSpec {
  return present(layers[layer]?.mha, `L${layer}.mha`);
}

/** @throws ShapeError where the model has no MLP in that layer. */
export function mlpSpec({ layers }: Layered, layer: number): MlpSpec {
  return present(layers[layer]?.mlp, `L${layer}.mlp`);
}

function present<T>(spec: T | null | undefined, block: string): T {
  if (spec === null || spec === undefined) throw new ShapeError(`the model has no block ${block}.`);
  return spec;
}
