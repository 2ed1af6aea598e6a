/** The walk of a model: its blocks in the order in which a token passes them. */
import { requireBlock, type BlockId, type BlockKind } from './blockId.ts';
import type { Layered } from './config.ts';
import { Mask } from './mask.ts';

/** Attention comes before the MLP in every layer. */
const kinds: readonly BlockKind[] = ['mha', 'mlp'];

/**
 * The blocks that a model runs under `mask`, in walk order. A block that is masked, or that the
 * model does not have, is skipped by not being in the walk: this is the one place where that is
 * decided.
 * @throws MaskError for a mask that names a block the model does not have.
 */
export function walkOf(model: Layered, mask: Mask = Mask.empty): BlockId[] {
  for (const block of mask.blocks) requireBlock(model, block);
  return model.layers.flatMap((spec, layer) => {
    const blocks = kinds.filter((kind) => spec[kind] !== null).map((kind) => ({ layer, kind }));
    return blocks.filter((block) => !mask.has(block));
  });
}
