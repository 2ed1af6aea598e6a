/**
 * Fields that would change the numbers in ways we do not compute. Each may be absent or null, or
 * hold a value that makes it do nothing; anything else is refused by name.
 */
import type { Fields } from './fields.ts';

const neutral: Readonly<Record<string, unknown>> = {
  // Rotation of a part of each head, or of adjacent pairs
  partial_rotary_factor: 1,
  rotary_pct: 1,
  rope_interleaved: false,
  use_mrope: false,
  no_rope_layers: null,
  position_embedding_type: 'rope',
  alibi: false,
  // Scales and caps
  attention_multiplier: null,
  residual_multiplier: 1,
  embedding_multiplier: 1,
  logits_scaling: 1,
  logit_scale: 1,
  scale_emb: 1,
  query_pre_attn_scalar: null,
  attn_logit_softcapping: null,
  final_logit_softcapping: null,
  attn_logit_softcap: null,
  clip_qkv: null,
  // Experts
  num_experts: 0,
  num_local_experts: 0,
  n_routed_experts: 0,
  // Another wiring of the blocks
  use_parallel_residual: false,
  parallel_residual: false,
  parallel_attn: false,
  add_cross_attention: false,
  is_encoder_decoder: false,
  cross_attention_hidden_size: null,
  pruned_heads: {},
  per_layer_config: {},
  block_configs: null,
  use_qk_norm: false,
  // Weights stored otherwise than as plain floats
  quantization_config: null,
  compression_config: null,
};

/**
 * Refuses every field among `table` (default: those that mean the same in all families) that is not
 * neutral.
 */
export function refuseUnlessNeutral(fields: Fields, table: Readonly<Record<string, unknown>> = neutral): void {
  for (const [name, allowed] of Object.entries(table)) {
    const value = fields.raw(name) ?? null;
    if (value === null || value === allowed || (isEmptyObject(allowed) && isEmptyObject(value))) continue;
    throw fields.unsupported(name, value);
  }
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
