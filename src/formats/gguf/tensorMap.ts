/** Which tensor of a GGUF file holds each canonical one, with what shape, and in what row order. */
import { mhaSpec, type ModelConfig } from '../../model/config.ts';
import {
  mhaTensorNames,
  mlpTensorNames,
  modelTensorNames,
  type LinearNames,
  type NormNames,
} from '../../model/tensorNames.ts';
import { tensorShapes } from '../../model/tensorShapes.ts';
import { walkOf } from '../../model/walk.ts';

export interface GgufPlace {
  /** Name in the file. */
  readonly name: string;
  /** Shape in Hugging Face's order, [out, in]. */
  readonly shape: readonly number[];
  /**
   * Heads whose rows the file interleaves (q and k of arch llama, see headRows.ts); 0 = Hugging
   * Face's order.
   */
  readonly permutedHeads: number;
}

/** Canonical name → place in the file, for all tensors of the model. */
export function ggufTensorMap(config: ModelConfig): ReadonlyMap<string, GgufPlace> {
  const places = new Map<string, GgufPlace>();
  const shapes = tensorShapes(config);
  const interleaved = config.family === 'llama' || config.family === 'mistral';

  const add = (canonical: string | null, name: string, permutedHeads = 0): void => {
    const shape = canonical === null ? undefined : shapes.get(canonical);
    if (canonical !== null && shape !== undefined) places.set(canonical, { name, shape, permutedHeads });
  };
  const addNorm = (names: NormNames, name: string): void => {
    add(names.weight, `${name}.weight`);
    add(names.bias, `${name}.bias`);
  };
  const addLinear = (names: LinearNames, name: string, heads = 0): void => {
    add(names.weight, `${name}.weight`, heads);
    add(names.bias, `${name}.bias`, heads);
  };

  const model = modelTensorNames(config);
  add(model.embedding, 'token_embd.weight');
  add(model.positions, 'position_embd.weight');
  for (const { kind, layer } of walkOf(config)) {
    if (kind === 'mlp') {
      const mlp = mlpTensorNames(config, layer);
      addNorm(mlp.norm, `blk.${layer}.ffn_norm`);
      if (mlp.gate !== null) addLinear(mlp.gate, `blk.${layer}.ffn_gate`);
      addLinear(mlp.up, `blk.${layer}.ffn_up`);
      addLinear(mlp.down, `blk.${layer}.ffn_down`);
      continue;
    }
    const mha = mhaTensorNames(config, layer);
    const { heads, kvHeads } = mhaSpec(config, layer);
    addNorm(mha.norm, `blk.${layer}.attn_norm`);
    if ('fused' in mha.qkv) {
      addLinear(mha.qkv.fused, `blk.${layer}.attn_qkv`);
    } else {
      addLinear(mha.qkv.q, `blk.${layer}.attn_q`, interleaved ? heads : 0);
      addLinear(mha.qkv.k, `blk.${layer}.attn_k`, interleaved ? kvHeads : 0);
      addLinear(mha.qkv.v, `blk.${layer}.attn_v`);
    }
    addLinear(mha.output, `blk.${layer}.attn_output`);
    add(mha.qNorm, `blk.${layer}.attn_q_norm.weight`);
    add(mha.kNorm, `blk.${layer}.attn_k_norm.weight`);
  }
  addNorm(model.finalNorm, 'output_norm');
  if (!config.tieWordEmbeddings) add(model.head, 'output.weight');
  return places;
}
