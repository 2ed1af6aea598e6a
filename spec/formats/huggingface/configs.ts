import type { FamilyName } from '../../../src/model/config.ts';

/** Smallest configs that parse, one a family, for specs to change. */
export const llama: Readonly<Record<string, unknown>> = {
  model_type: 'llama',
  hidden_size: 48,
  intermediate_size: 80,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  vocab_size: 263,
};

export const mistral: Readonly<Record<string, unknown>> = { ...llama, model_type: 'mistral', sliding_window: null };
export const qwen2: Readonly<Record<string, unknown>> = { ...llama, model_type: 'qwen2' };
export const qwen3: Readonly<Record<string, unknown>> = { ...llama, model_type: 'qwen3' };

export const gpt2: Readonly<Record<string, unknown>> = {
  model_type: 'gpt2',
  n_embd: 48,
  n_layer: 3,
  n_head: 4,
  n_positions: 128,
  vocab_size: 263,
};

/** Every family's config; the specs of all families go by this. */
type Configs<Name extends FamilyName> = Readonly<Record<Name, Readonly<Record<string, unknown>>>>;
export const llamaLikes: Configs<Exclude<FamilyName, 'gpt2'>> = { llama, mistral, qwen2, qwen3 };
export const families: Configs<FamilyName> = { ...llamaLikes, gpt2 };
