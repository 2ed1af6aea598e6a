/** The tensors that a model has, and their canonical shapes, from its config alone. */
import type { BlockId } from './blockId.ts';
import { mhaSpec, mlpSpec, type ModelConfig } from './config.ts';
import { mhaTensorNames, mlpTensorNames, modelTensorNames, type LinearNames, type NormNames } from './tensorNames.ts';
import { walkOf } from './walk.ts';

/** Canonical name → shape; a projection is [out, in]. A tied head is not listed. */
export function tensorShapes(config: ModelConfig): Map<string, readonly number[]> {
  const { hiddenSize, vocabSize, maxPositionEmbeddings } = config;
  const names = modelTensorNames(config);
  const shapes = new ShapeList();
  shapes.add(names.embedding, [vocabSize, hiddenSize]);
  shapes.add(names.positions, [maxPositionEmbeddings, hiddenSize]);
  for (const id of walkOf(config)) for (const [name, shape] of blockShapes(config, id)) shapes.add(name, shape);
  shapes.norm(names.finalNorm, hiddenSize);
  shapes.add(names.head, [vocabSize, hiddenSize]);
  return shapes.byName;
}

/** Likewise those of one block, its norm included. */
export function blockShapes(config: ModelConfig, { kind, layer }: BlockId): Map<string, readonly number[]> {
  const { hiddenSize, headDim } = config;
  const shapes = new ShapeList();
  if (kind === 'mlp') {
    const { intermediateSize } = mlpSpec(config, layer);
    const { norm, gate, up, down } = mlpTensorNames(config, layer);
    shapes.norm(norm, hiddenSize);
    if (gate !== null) shapes.linear(gate, intermediateSize, hiddenSize);
    shapes.linear(up, intermediateSize, hiddenSize);
    shapes.linear(down, hiddenSize, intermediateSize);
    return shapes.byName;
  }
  const { heads, kvHeads } = mhaSpec(config, layer);
  const queryWidth = heads * headDim;
  const keyWidth = kvHeads * headDim;
  const { norm, qkv, output, qNorm, kNorm } = mhaTensorNames(config, layer);
  shapes.norm(norm, hiddenSize);
  if ('fused' in qkv) {
    shapes.linear(qkv.fused, queryWidth + 2 * keyWidth, hiddenSize);
  } else {
    shapes.linear(qkv.q, queryWidth, hiddenSize);
    shapes.linear(qkv.k, keyWidth, hiddenSize);
    shapes.linear(qkv.v, keyWidth, hiddenSize);
  }
  shapes.linear(output, hiddenSize, queryWidth);
  shapes.add(qNorm, [headDim]);
  shapes.add(kNorm, [headDim]);
  return shapes.byName;
}

class ShapeList {
  readonly byName = new Map<string, readonly number[]>();

  add(name: string | null, shape: readonly number[]): void {
    if (name !== null) this.byName.set(name, shape);
  }

  norm({ weight, bias }: NormNames, size: number): void {
    this.add(weight, [size]);
    this.add(bias, [size]);
  }

  linear({ weight, bias }: LinearNames, out: number, inn: number): void {
    this.add(weight, [out, inn]);
    this.add(bias, [out]);
  }
}
