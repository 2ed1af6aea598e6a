import { MaskError, UsageError } from '../errors.ts';
import { formatBlock, hasBlock, type BlockId, type BlockKind } from '../model/blockId.ts';
import type { Layered } from '../model/config.ts';
import { Mask } from '../model/mask.ts';
import { walkOf } from '../model/walk.ts';
import { nothingProtected, type Protected } from './protect.ts';

/**
 * What may be removed in one step: any block, one kind of block only, or both blocks of a layer
 * together.
 */
export type PruneKind = 'mix' | 'mha' | 'mlp' | 'layer';
export const pruneKinds: readonly PruneKind[] = ['mix', 'mha', 'mlp', 'layer'];

/** One possible removal. */
export interface Candidate {
  /** `L5.mlp`, or `L5.mha,L5.mlp` in layer mode. */
  readonly name: string;
  /** Adjacent in the walk of the model. */
  readonly blocks: readonly BlockId[];
}

/**
 * The candidates left under a mask, in BlockPruner's order: all MHA by layer, then all MLP by
 * layer (Zhong et al. 2025; the order decides ties). In layer mode: the layers that are whole, by
 * index.
 * @param kept never candidates; a layer with one of them is none, either.
 */
export function candidatesLeft(
  kind: PruneKind,
  model: Layered,
  mask: Mask,
  kept: Protected = nothingProtected,
): Candidate[] {
  const may = (block: BlockId): boolean => hasBlock(model, block) && !mask.has(block) && !kept.has(formatBlock(block));
  const layers = [...model.layers.keys()];
  const ofKind = (blockKind: BlockKind): BlockId[][] => layers.map((layer) => [{ layer, kind: blockKind }]);
  const all: BlockId[][] =
    kind === 'layer'
      ? layers.map((layer) => [
          { layer, kind: 'mha' },
          { layer, kind: 'mlp' },
        ])
      : [...(kind === 'mlp' ? [] : ofKind('mha')), ...(kind === 'mha' ? [] : ofKind('mlp'))];
  return all
    .filter((blocks) => blocks.every(may))
    .map((blocks) => ({ name: blocks.map(formatBlock).join(','), blocks }));
}

/**
 * @throws MaskError where an order of removal names a block twice, one that the model has not, or
 * one that is protected.
 */
export function checkOrder(order: readonly Candidate[], config: Layered, kept: Protected = nothingProtected): void {
  const left = new Set(walkOf(config).map(formatBlock));
  for (const block of order.flatMap(({ blocks }) => blocks.map(formatBlock))) {
    if (kept.has(block)) throw new MaskError(`the order of removal names ${block}, which is protected.`);
    if (left.delete(block)) continue;
    throw new MaskError(`the order of removal names ${block} twice, or the model has no such block.`);
  }
}

/**
 * What a ratio is a share of: all parameters, those of the blocks alone (both count a removed
 * block's norm), or the number of blocks.
 */
export type RatioOf = 'total' | 'blocks' | 'depth';
export const ratioBases: readonly RatioOf[] = ['total', 'blocks', 'depth'];

/** When the search ends: at the first rule that is met. At least one must be given. */
export interface StopRules {
  /** Blocks removed. */
  blocks?: number;
  /** Share removed, 0 … 1: reached or passed. */
  ratio?: number;
  /** What `ratio` is a share of; default `total`. */
  ratioOf?: RatioOf;
  /** The removal that would take the perplexity above this is not applied. */
  maxPpl?: number;
  /**
   * In per cent: the removal that would take the perplexity more than this above the dense model's
   * is not applied.
   */
  maxIncrease?: number;
}

/** @throws UsageError when no rule is given: the one check that needs no model. */
export function requireStopRule({ blocks, ratio, maxPpl, maxIncrease }: StopRules): void {
  if ([blocks, ratio, maxPpl, maxIncrease].every((rule) => rule === undefined)) {
    throw new UsageError('no stop rule.', {
      remedy: 'Give --blocks, --ratio, --max-ppl or --max-increase, for example --ratio 0.1.',
    });
  }
}

/** @throws UsageError when no rule is given or one cannot be met by this model and kind. */
export function checkStopRules(
  stop: StopRules,
  kind: PruneKind,
  model: Layered,
  kept: Protected = nothingProtected,
): void {
  requireStopRule(stop);
  const { blocks, ratio, ratioOf, maxPpl, maxIncrease } = stop;
  const available = candidatesLeft(kind, model, Mask.empty, kept).flatMap((candidate) => candidate.blocks).length;
  if (available === 0 && kept.size > 0) throw new UsageError('--protect leaves nothing to remove.');
  if (blocks !== undefined && !(Number.isInteger(blocks) && blocks >= 1 && blocks <= available)) {
    const what = kind === 'mix' || kind === 'layer' ? 'blocks' : `${kind.toUpperCase()} blocks`;
    const has = kept.size === 0 ? 'the model has' : '--protect leaves';
    throw new UsageError(`--blocks ${blocks}: ${has} ${available} ${what} to remove.`, {
      remedy: `Give 1 … ${available}.`,
    });
  }
  if (blocks !== undefined && kind === 'layer' && blocks % 2 !== 0) {
    throw new UsageError(`--blocks ${blocks}: layer mode removes two blocks at a time.`, {
      remedy: 'Give an even number.',
    });
  }
  if (ratio !== undefined && !(ratio > 0 && ratio < 1)) {
    throw new UsageError(`--ratio ${ratio} is not between 0 and 1.`, { remedy: 'Give a fraction such as 0.2.' });
  }
  if (ratioOf !== undefined && ratio === undefined) {
    throw new UsageError('--ratio-of says of what --ratio is a share.', { remedy: 'Give --ratio too.' });
  }
  if (ratioOf !== undefined && !ratioBases.includes(ratioOf)) {
    throw new UsageError(`--ratio-of ${String(ratioOf)} is not known.`, { remedy: `Give ${ratioBases.join(', ')}.` });
  }
  if (maxPpl !== undefined && !(maxPpl >= 1 && maxPpl < Infinity)) {
    throw new UsageError(`--max-ppl ${maxPpl} is not a perplexity (they start at 1).`);
  }
  if (maxIncrease !== undefined && !(maxIncrease >= 0 && maxIncrease < Infinity)) {
    throw new UsageError(`--max-increase ${maxIncrease} is not a percentage.`, { remedy: 'Give one such as 20%.' });
  }
}
