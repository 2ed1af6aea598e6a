/**
 * Where a pruned model is repaired. A *cut* is a run of removed blocks between two kept ones; the
 * kept block before it can take up what the run added to the stream, since its own output matrix
 * writes to the same stream.
 */
import { UsageError } from '../errors.ts';
import type { BlockId } from '../model/blockId.ts';
import type { Layered } from '../model/config.ts';
import type { Mask } from '../model/mask.ts';
import { walkOf } from '../model/walk.ts';

export const repairScopes = ['all', 'cuts'] as const;
/**
 * Which kept blocks are fitted: every one from the first cut on, or only the last before each cut.
 * Before the first removed block nothing is missing.
 */
export type RepairScope = (typeof repairScopes)[number];

/** A kept block and the removed blocks between it and the next kept one, in walk order. */
export interface KeptBlock {
  readonly block: BlockId;
  /** What follows it and was removed; may be empty. */
  readonly run: readonly BlockId[];
  /** Whether a block was removed before it or right after it. */
  readonly missing: boolean;
  /** Whether its output matrix is fitted. */
  readonly fitted: boolean;
}

export interface Cuts {
  /** Removed blocks before the first kept one. No output matrix comes before them. */
  readonly leading: readonly BlockId[];
  /** All kept blocks in walk order. */
  readonly kept: readonly KeptBlock[];
}

/**
 * The kept blocks of a pruned model, each with the run of removed blocks after it.
 * @throws UsageError for a mask that removes nothing or everything; MaskError for one that names a
 * block the model does not have.
 */
export function cutsOf(model: Layered, mask: Mask, scope: RepairScope): Cuts {
  if (mask.size === 0) {
    throw new UsageError('no block is removed, so there is nothing to repair.', {
      where: 'repair',
      remedy: 'Name the removed blocks.',
    });
  }
  const left = walkOf(model, mask);
  if (left.length === 0) {
    throw new UsageError('every block is removed, so no block is left to repair with.', {
      where: 'repair',
      remedy: 'Keep at least one block.',
    });
  }
  const leading: BlockId[] = [];
  const kept: { block: BlockId; run: BlockId[] }[] = [];
  for (const block of walkOf(model)) {
    if (!mask.has(block)) kept.push({ block, run: [] });
    else (kept.at(-1)?.run ?? leading).push(block);
  }
  let missing = leading.length > 0;
  return {
    leading,
    kept: kept.map(({ block, run }) => {
      missing ||= run.length > 0;
      return { block, run, missing, fitted: scope === 'all' ? missing : run.length > 0 };
    }),
  };
}
