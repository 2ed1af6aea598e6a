/** Models of which only the layers matter. */
import type { BlockId } from '../../src/model/blockId.ts';
import { uniformLayers, type Layered } from '../../src/model/config.ts';
import { walkOf } from '../../src/model/walk.ts';

/** `count` layers that have both blocks. */
export function layersOf(count: number): Layered {
  const windows = Array.from({ length: count }, () => null);
  return { layers: uniformLayers({ heads: 4, kvHeads: 2, intermediateSize: 24, windows }) };
}

/** The 2 · `count` blocks of such a model, in walk order. */
export function blocksInWalkOrder(count: number): BlockId[] {
  return walkOf(layersOf(count));
}
