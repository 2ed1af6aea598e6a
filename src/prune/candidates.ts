import { MaskError, UsageError } from '../errors.ts';
import { formatBlock, hasBlock, type BlockId, type BlockKind } from '../model/blockId.ts';
import type { Layered } from '../model/config.ts';
import { Mask } from '../model/mask.ts';
import { walkOf } from '../model/walk.ts';

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
 */
export function candidatesLeft(kind: PruneKind, model: Layered, mask: Mask): Candidate[] {
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
    .filter((blocks) => blocks.every((block) => hasBlock(model, block) && !mask.has(block)))
    .map((blocks) => ({ name: blocks.map(formatBlock).join(','), blocks }));
}

/**
 * @throws MaskError where an order of removal names a block twice, or one that the model has not.
 */
export function checkOrder(order: readonly Candidate[], config: Layered): void {
  const left = new Set(walkOf(config).map(formatBlock));
  for (const block of order.flatMap(({ blocks }) => blocks.map(formatBlock))) {
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
}

/** @throws UsageError when no rule is given: the one check that needs no model. */
export function requireStopRule({ blocks, ratio, maxPpl }: StopRules): void {
  if (blocks === undefined && ratio === undefined && maxPpl === undefined) {
    throw new UsageError('no stop rule.', { remedy: 'Give --blocks, --ratio or --max-ppl.' });
  }
}

/** @throws UsageError when no rule is given or one cannot be met by this model and kind. */
export function checkStopRules(stop: StopRules, kind: PruneKind, model: Layered): void {
  requireStopRule(stop);
  const { blocks, ratio, ratioOf, maxPpl } = stop;
  const available = candidatesLeft(kind, model, Mask.empty).flatMap((candidate) => candidate.blocks).length;
  if (blocks !== undefined && !(Number.isInteger(blocks) && blocks >= 1 && blocks <= available)) {
    const what = kind === 'mix' || kind === 'layer' ? 'blocks' : `${kind.toUpperCase()} blocks`;
    throw new UsageError(`--blocks ${blocks}: the model has ${available} ${what} to remove.`, {
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
}
