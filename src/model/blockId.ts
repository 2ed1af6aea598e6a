import { MaskError } from '../errors.ts';
import type { Layered, LayerSpec } from './config.ts';

/**
 * A block is one residual branch of a layer, MHA or MLP: the unit that BlockPruner removes (Zhong
 * et al. 2025, §3). Its text form is `L12.mha` or `L12.mlp`.
 */
export type BlockKind = 'mha' | 'mlp';

export interface BlockId {
  readonly layer: number;
  readonly kind: BlockKind;
}

/** `L12.mha` */
export function formatBlock(block: BlockId): string {
  return `L${block.layer}.${block.kind}`;
}

/**
 * Reads `L12.mha`.
 * @param layers how many the model has.
 * @throws MaskError when the text is not a block name or there is no such layer.
 */
export function parseBlock(text: string, layers: number): BlockId {
  const match = /^L(0|[1-9]\d{0,5})\.(mha|mlp)$/.exec(text.trim());
  if (match === null) {
    throw new MaskError(`'${text.slice(0, 40)}' is not a block name.`, {
      remedy: 'Write L<layer>.mha or L<layer>.mlp, such as L5.mlp.',
    });
  }
  const layer = Number(match[1]);
  if (layer >= layers) {
    throw new MaskError(`block '${match[0]}' does not exist: the model's layers are L0 … L${layers - 1}.`);
  }
  return { layer, kind: match[2] as BlockKind };
}

/** A block's index in the walk of the model: 2·layer for MHA, 2·layer + 1 for MLP. */
export function walkIndex(block: BlockId): number {
  return 2 * block.layer + (block.kind === 'mlp' ? 1 : 0);
}

/** How many places `walkIndex` tells apart: two for each layer, also where a block is not there. */
export function walkPlaces({ layers }: Layered): number {
  return 2 * layers.length;
}

/** Whether the model has this block. */
export function hasBlock({ layers }: Layered, { layer, kind }: BlockId): boolean {
  const spec: LayerSpec | undefined = layers[layer];
  return (spec?.[kind] ?? null) !== null;
}

/** @throws MaskError naming the block that the model does not have. */
export function requireBlock(model: Layered, block: BlockId): void {
  if (hasBlock(model, block)) return;
  throw new MaskError(`block '${formatBlock(block)}' does not exist: the model has no such block.`);
}
