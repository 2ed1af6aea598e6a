import { formatBlock } from '../model/blockId.ts';
import type { Mask } from '../model/mask.ts';
import type { ParameterCounts } from '../model/parameters.ts';
import type { Ratios } from './result.ts';

/** The three senses in which papers say "pruning ratio" (all removed blocks with their norms). */
export function ratios(counts: ParameterCounts, mask: Mask): Ratios {
  const removed = mask.blocks.reduce((sum, block) => sum + (counts.byBlock.get(formatBlock(block)) ?? 0), 0);
  return {
    total: removed / counts.total,
    blocks: removed / counts.blocks,
    depth: mask.size / counts.byBlock.size,
  };
}
