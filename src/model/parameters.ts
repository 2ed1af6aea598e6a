import { formatBlock, type BlockId } from './blockId.ts';
import { blockTensorNames } from './blockTensors.ts';
import { walkOf } from './walk.ts';
import { elementsOf, type WeightSource } from './weights.ts';

/** Parameter counts, from the tensors' shapes; nothing is read. */
export interface ParameterCounts {
  /**
   * All parameters: embedding, head and norms included, tied weights once (torch's `parameters()`).
   */
  total: number;
  /** Parameters of all blocks, their norms included. */
  blocks: number;
  /** By block name, `L5.mlp`. */
  byBlock: ReadonlyMap<string, number>;
}

export function countParameters(source: WeightSource): ParameterCounts {
  const size = (name: string): number => elementsOf(source, name);
  const ofBlock = (id: BlockId): number => {
    return blockTensorNames(source.config, id).reduce((sum, name) => sum + size(name), 0);
  };
  const byBlock = new Map(walkOf(source.config).map((id) => [formatBlock(id), ofBlock(id)] as const));
  return {
    total: [...source.tensors.keys()].reduce((sum, name) => sum + size(name), 0),
    blocks: [...byBlock.values()].reduce((sum, count) => sum + count, 0),
    byBlock,
  };
}
