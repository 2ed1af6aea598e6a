/** The tensors a model must have, and their shapes, from its config alone. */
import type { ModelConfig } from '../../model/config.ts';
import {
  mhaTensorNames,
  mlpTensorNames,
  modelTensorNames,
  type LinearNames,
  type NormNames,
} from '../../model/tensorNames.ts';

export interface ExpectedTensor {
  /** Canonical shape; a projection is [out, in]. */
  readonly shape: readonly number[];
  /** Stored as [in, out]: GPT-2's Conv1D. */
  readonly transposed: boolean;
}

/** Canonical name → what is expected of it. A tied head is not listed. */
export function expectedTensors(config: ModelConfig): Map<string, ExpectedTensor> {
  const expected = new Map<string, ExpectedTensor>();
  const add = (name: string | null, shape: readonly number[], transposed = false): void => {
    if (name !== null) expected.set(name, { shape, transposed });
  };
  const addNorm = (names: NormNames, size: number): void => {
    add(names.weight, [size]);
    add(names.bias, [size]);
  };
  const conv1d = config.family === 'gpt2';
  const addLinear = (names: LinearNames, out: number, inn: number): void => {
    add(names.weight, [out, inn], conv1d);
    add(names.bias, [out]);
  };
  const { hiddenSize, intermediateSize, vocabSize, numAttentionHeads, numKeyValueHeads, headDim } = config;
  const queryWidth = numAttentionHeads * headDim;
  const keyWidth = numKeyValueHeads * headDim;

  const model = modelTensorNames(config);
  add(model.embedding, [vocabSize, hiddenSize]);
  add(model.positions, [config.maxPositionEmbeddings, hiddenSize]);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const mha = mhaTensorNames(config, layer);
    addNorm(mha.norm, hiddenSize);
    if ('fused' in mha.qkv) {
      addLinear(mha.qkv.fused, queryWidth + 2 * keyWidth, hiddenSize);
    } else {
      addLinear(mha.qkv.q, queryWidth, hiddenSize);
      addLinear(mha.qkv.k, keyWidth, hiddenSize);
      addLinear(mha.qkv.v, keyWidth, hiddenSize);
    }
    addLinear(mha.output, hiddenSize, queryWidth);
    add(mha.qNorm, [headDim]);
    add(mha.kNorm, [headDim]);
    const mlp = mlpTensorNames(config, layer);
    addNorm(mlp.norm, hiddenSize);
    if (mlp.gate !== null) addLinear(mlp.gate, intermediateSize, hiddenSize);
    addLinear(mlp.up, intermediateSize, hiddenSize);
    addLinear(mlp.down, hiddenSize, intermediateSize);
  }
  addNorm(model.finalNorm, hiddenSize);
  add(model.head, [vocabSize, hiddenSize]);
  return expected;
}
