/** The walk of a model: its blocks in the order in which a token passes them. */
import { blocksInWalkOrder, type BlockId } from './blockId.ts';
import type { ModelConfig } from './config.ts';
import { Mask } from './mask.ts';

/**
 * The blocks that a model runs under `mask`, in walk order. A masked block is skipped by not being
 * in the walk: this is the one place where that is decided.
 */
export function walkOf(config: Pick<ModelConfig, 'numHiddenLayers'>, mask: Mask = Mask.empty): BlockId[] {
  return blocksInWalkOrder(config.numHiddenLayers).filter((block) => !mask.has(block));
}
