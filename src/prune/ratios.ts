import { formatBlock } from '../model/blockId.ts';
import type { Mask } from '../model/mask.ts';
import type { ParameterCounts } from '../model/parameters.ts';
import type { Ratios } from './events.ts';

/** What a mask removes, in each sense of the word. */
export function ratios(counts: ParameterCounts, mask: Mask): Ratios {
  const removed = mask.blocks.reduce((sum, block) => sum + (counts.byBlock.get(formatBlock(block)) ?? 0), 0);
  return {
    total: removed / counts.total,
    blocks: removed / counts.blocks,
    depth: mask.size / counts.byBlock.size,
  };
}
