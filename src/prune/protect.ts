/** Blocks that are never removed: in no method, and in no kind of search. */
import { MaskError } from '../errors.ts';
import { formatBlock, parseBlock, requireBlock, type BlockId } from '../model/blockId.ts';
import type { Layered } from '../model/config.ts';
import { walkOf } from '../model/walk.ts';

/** Protected blocks by name, `L5.mlp`, in the order of the walk. */
export type Protected = ReadonlySet<string>;

export const nothingProtected: Protected = new Set();

/**
 * Reads a list of blocks and layers: `L0.mha` is a block, `L3` both blocks of a layer, or the one
 * that the layer has. A name that is there twice counts once.
 * @throws MaskError for a name that is no block or layer of the model.
 */
export function protectedBlocks(names: readonly string[], model: Layered): Protected {
  const found = new Set(names.flatMap((name) => blocksOf(name.trim(), model)).map(formatBlock));
  return new Set(
    walkOf(model)
      .map(formatBlock)
      .filter((name) => found.has(name)),
  );
}

function blocksOf(name: string, model: Layered): BlockId[] {
  if (!/^L\d+$/.test(name)) {
    const block = parseBlock(name, model.layers.length);
    requireBlock(model, block);
    return [block];
  }
  // A layer that there is not is told as one of its blocks would be.
  const { layer } = parseBlock(`${name}.mha`, model.layers.length);
  const own = walkOf(model).filter((block) => block.layer === layer);
  if (own.length === 0) throw new MaskError(`layer '${name}' has no block left that could be protected.`);
  return own;
}
