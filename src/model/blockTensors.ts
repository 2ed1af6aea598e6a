/** The tensors of a block: their names in order, and the block put together from them. */
import type { DeviceTensor, LinearWeight } from '../backends/backend.ts';
import type { BlockId } from './blockId.ts';
import type { ModelConfig } from './config.ts';
import type { NormWeights, ResidualBlock } from './residualBlock.ts';
import { mhaTensorNames, mlpTensorNames, type LinearNames, type NormNames } from './tensorNames.ts';

/** A projection with its bias, or a gain or shift of a norm. */
export type BlockPart = { readonly linear: LinearNames } | { readonly vector: string };

/** The parts of a block in the order in which they are loaded, its norm included. */
export function blockParts(config: ModelConfig, { kind, layer }: BlockId): BlockPart[] {
  if (kind === 'mlp') {
    const { norm, gate, up, down } = mlpTensorNames(config, layer);
    const linears = gate === null ? [up, down] : [gate, up, down];
    return [...normParts(norm), ...linears.map((linear) => ({ linear }))];
  }
  const { norm, qkv, output, qNorm, kNorm } = mhaTensorNames(config, layer);
  const linears: LinearNames[] = [...Object.values(qkv), output];
  const headNorms = [qNorm, kNorm].filter((name) => name !== null);
  return [...normParts(norm), ...linears.map((linear) => ({ linear })), ...headNorms.map((vector) => ({ vector }))];
}

function normParts({ weight, bias }: NormNames): BlockPart[] {
  return bias === null ? [{ vector: weight }] : [{ vector: weight }, { vector: bias }];
}

/** Names of all tensors of a block, its norm included: what goes when it is removed. */
export function blockTensorNames(config: ModelConfig, id: BlockId): string[] {
  return blockParts(config, id).flatMap((part) => {
    if ('vector' in part) return [part.vector];
    return part.linear.bias === null ? [part.linear.weight] : [part.linear.weight, part.linear.bias];
  });
}

/** Who gives a block its parts: weights packed for a backend, parameters on a tape, bare shapes. */
export interface PartMaker {
  linear(names: LinearNames): LinearWeight;
  /** A gain or a shift, as [1, n]. */
  vector(name: string): DeviceTensor;
}

/** Puts a block together. */
export function assembleBlock(config: ModelConfig, { kind, layer }: BlockId, maker: PartMaker): ResidualBlock {
  const gain = (name: string | null): DeviceTensor | null => (name === null ? null : maker.vector(name));
  if (kind === 'mlp') {
    const { norm, gate, up, down } = mlpTensorNames(config, layer);
    return {
      kind,
      layer,
      norm: assembleNorm(norm, maker),
      gate: gate === null ? null : maker.linear(gate),
      up: maker.linear(up),
      down: maker.linear(down),
    };
  }
  const { norm, qkv, output, qNorm, kNorm } = mhaTensorNames(config, layer);
  return {
    kind,
    layer,
    norm: assembleNorm(norm, maker),
    qkv:
      'fused' in qkv
        ? { fused: maker.linear(qkv.fused) }
        : { q: maker.linear(qkv.q), k: maker.linear(qkv.k), v: maker.linear(qkv.v) },
    output: maker.linear(output),
    qNorm: gain(qNorm),
    kNorm: gain(kNorm),
  };
}

/** Likewise a norm. */
export function assembleNorm({ weight, bias }: NormNames, maker: PartMaker): NormWeights {
  return { weight: maker.vector(weight), bias: bias === null ? null : maker.vector(bias) };
}

/** The tensor that each packed weight and each gain of a block was made of. */
export function weightNames(config: ModelConfig, block: ResidualBlock): ReadonlyMap<unknown, string> {
  const names = new Map<unknown, string>();
  const note = (part: unknown, name: string | null | undefined): void => {
    if (part !== null && typeof name === 'string') names.set(part, name);
  };
  if (block.kind === 'mlp') {
    const { norm, gate, up, down } = mlpTensorNames(config, block.layer);
    note(block.norm.weight, norm.weight);
    note(block.gate, gate?.weight);
    note(block.up, up.weight);
    note(block.down, down.weight);
    return names;
  }
  const { norm, qkv, output, qNorm, kNorm } = mhaTensorNames(config, block.layer);
  const projections: Readonly<Record<string, LinearNames>> = qkv;
  for (const [part, weight] of Object.entries(block.qkv)) note(weight, projections[part].weight);
  note(block.norm.weight, norm.weight);
  note(block.output, output.weight);
  note(block.qNorm, qNorm);
  note(block.kNorm, kNorm);
  return names;
}
