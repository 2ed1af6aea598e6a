/** Random blocks, masks and sequences for tiny models. */
import { fc } from '@fast-check/vitest';
import type { BlockId } from '../../src/model/blockId.ts';
import type { FamilyName } from '../../src/model/config.ts';
import { Mask } from '../../src/model/mask.ts';
import { blocksInWalkOrder } from './layers.ts';
import { families, TINY_VOCAB } from './tinyTransformer.ts';

export const someFamily: fc.Arbitrary<FamilyName> = fc.constantFrom(...families);

/** Distinct blocks of a model, in any order. */
export function someBlocks(layers: number): fc.Arbitrary<BlockId[]> {
  return fc.shuffledSubarray(blocksInWalkOrder(layers));
}

export function someMask(layers: number): fc.Arbitrary<Mask> {
  return someBlocks(layers).map((blocks) => Mask.of(blocks));
}

/** Sequences of one length, [B][T]. */
export function someSequences(
  { minLength, maxLength }: { minLength: number; maxLength: number } = { minLength: 2, maxLength: 14 },
  maxBatch = 4,
): fc.Arbitrary<Int32Array[]> {
  return fc.integer({ min: minLength, max: maxLength }).chain((length) => {
    const sequence = fc.array(fc.nat(TINY_VOCAB - 1), { minLength: length, maxLength: length });
    return fc.array(
      sequence.map((ids) => Int32Array.from(ids)),
      { minLength: 1, maxLength: maxBatch },
    );
  });
}
