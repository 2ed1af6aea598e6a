/** Which tensor of a GGUF file holds each canonical one, with what shape, and in what row order. */
import type { ModelConfig } from '../../model/config.ts';
import {
  mhaTensorNames,
  mlpTensorNames,
  modelTensorNames,
  type LinearNames,
  type NormNames,
} from '../../model/tensorNames.ts';

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
  const { hiddenSize, intermediateSize, vocabSize, headDim } = config;
  const queryRows = config.numAttentionHeads * headDim;
  const keyRows = config.numKeyValueHeads * headDim;
  const interleaved = config.family === 'llama' || config.family === 'mistral';
  const queryHeads = interleaved ? config.numAttentionHeads : 0;
  const keyHeads = interleaved ? config.numKeyValueHeads : 0;

  const add = (canonical: string | null, name: string, shape: readonly number[], permutedHeads = 0): void => {
    if (canonical !== null) places.set(canonical, { name, shape, permutedHeads });
  };
  const addNorm = (names: NormNames, name: string): void => {
    add(names.weight, `${name}.weight`, [hiddenSize]);
    add(names.bias, `${name}.bias`, [hiddenSize]);
  };
  const addLinear = (names: LinearNames, name: string, shape: readonly [number, number], heads = 0): void => {
    add(names.weight, `${name}.weight`, shape, heads);
    add(names.bias, `${name}.bias`, [shape[0]], heads);
  };

  const model = modelTensorNames(config);
  add(model.embedding, 'token_embd.weight', [vocabSize, hiddenSize]);
  add(model.positions, 'position_embd.weight', [config.maxPositionEmbeddings, hiddenSize]);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const mha = mhaTensorNames(config, layer);
    addNorm(mha.norm, `blk.${layer}.attn_norm`);
    if ('fused' in mha.qkv) {
      addLinear(mha.qkv.fused, `blk.${layer}.attn_qkv`, [queryRows + 2 * keyRows, hiddenSize]);
    } else {
      addLinear(mha.qkv.q, `blk.${layer}.attn_q`, [queryRows, hiddenSize], queryHeads);
      addLinear(mha.qkv.k, `blk.${layer}.attn_k`, [keyRows, hiddenSize], keyHeads);
      addLinear(mha.qkv.v, `blk.${layer}.attn_v`, [keyRows, hiddenSize]);
    }
    addLinear(mha.output, `blk.${layer}.attn_output`, [hiddenSize, queryRows]);
    add(mha.qNorm, `blk.${layer}.attn_q_norm.weight`, [headDim]);
    add(mha.kNorm, `blk.${layer}.attn_k_norm.weight`, [headDim]);

    const mlp = mlpTensorNames(config, layer);
    addNorm(mlp.norm, `blk.${layer}.ffn_norm`);
    if (mlp.gate !== null) addLinear(mlp.gate, `blk.${layer}.ffn_gate`, [intermediateSize, hiddenSize]);
    addLinear(mlp.up, `blk.${layer}.ffn_up`, [intermediateSize, hiddenSize]);
    addLinear(mlp.down, `blk.${layer}.ffn_down`, [hiddenSize, intermediateSize]);
  }
  addNorm(model.finalNorm, 'output_norm');
  if (!config.tieWordEmbeddings) add(model.head, 'output.weight', [vocabSize, hiddenSize]);
  return places;
}
