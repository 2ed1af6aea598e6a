import { MaskError } from '../errors.ts';

/**
 * A block is one residual branch of a layer, MHA or MLP: the unit that BlockPruner removes (Zhong et al. 2025, §3).
 * Its text form is `L12.mha` or `L12.mlp`.
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
 * @throws MaskError when the text is no block name or the layer is not one of the model's `numHiddenLayers`.
 */
export function parseBlock(text: string, numHiddenLayers: number): BlockId {
  const match = /^L(0|[1-9]\d{0,5})\.(mha|mlp)$/.exec(text.trim());
  if (match === null) {
    throw new MaskError(`'${text.slice(0, 40)}' is no block name.`, {
      remedy: 'Write L<layer>.mha or L<layer>.mlp, such as L5.mlp.',
    });
  }
  const layer = Number(match[1]);
  if (layer >= numHiddenLayers) {
    throw new MaskError(`block '${match[0]}' does not exist: the model's layers are L0 … L${numHiddenLayers - 1}.`);
  }
  return { layer, kind: match[2] as BlockKind };
}

/** A block's index in the walk of the model: 2·layer for MHA, 2·layer + 1 for MLP. */
export function walkIndex(block: BlockId): number {
  return 2 * block.layer + (block.kind === 'mlp' ? 1 : 0);
}

/** All N = 2L blocks in the order in which a token passes them. */
export function blocksInWalkOrder(numHiddenLayers: number): BlockId[] {
  return Array.from({ length: 2 * numHiddenLayers }, (_, index): BlockId => {
    return { layer: index >> 1, kind: index % 2 === 0 ? 'mha' : 'mlp' };
  });
}
