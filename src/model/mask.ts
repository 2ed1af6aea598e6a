import { MaskError } from '../errors.ts';
import { formatBlock, parseBlock, requireBlock, walkIndex, type BlockId } from './blockId.ts';
import type { Layered } from './config.ts';

/**
 * The set of removed blocks. Immutable; its text form is the comma-joined list in the order of
 * removal.
 */
export class Mask {
  static readonly empty: Mask = new Mask([]);
  /** Removed blocks, in the order in which they were added. */
  readonly blocks: readonly BlockId[];
  readonly #indices: ReadonlySet<number>;

  private constructor(blocks: readonly BlockId[]) {
    this.blocks = blocks;
    this.#indices = new Set(blocks.map(walkIndex));
  }

  /** @throws MaskError when a block is named twice. */
  static of(blocks: readonly BlockId[]): Mask {
    return Mask.empty.with(blocks);
  }

  /**
   * Reads `L5.mlp,L4.mha`; an empty text is the empty mask.
   * @throws MaskError for a name that is not a block of the model, or one given twice.
   */
  static parse(text: string, model: Layered): Mask {
    if (text.trim() === '') return Mask.empty;
    const blocks = text.split(',').map((name) => parseBlock(name, model.layers.length));
    for (const block of blocks) requireBlock(model, block);
    return Mask.of(blocks);
  }

  has(block: BlockId): boolean {
    return this.#indices.has(walkIndex(block));
  }

  get size(): number {
    return this.blocks.length;
  }

  /** This mask and `blocks` more. @throws MaskError when one is removed already. */
  with(blocks: readonly BlockId[]): Mask {
    const seen = new Set(this.#indices);
    for (const block of blocks) {
      const index = walkIndex(block);
      if (seen.has(index)) throw new MaskError(`block '${formatBlock(block)}' is named twice in the mask.`);
      seen.add(index);
    }
    return new Mask([...this.blocks, ...blocks]);
  }

  toString(): string {
    return this.blocks.map(formatBlock).join(',');
  }
}
