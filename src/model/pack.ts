/**
 * A pruned model in as few layers as it can have. A layer is an attention with an MLP after it;
 * what pruning left is a row of blocks in which any may be missing. So an attention whose MLP is
 * gone and the next MLP whose attention is gone make one layer:
 *
 *     L0 mha mlp   L1 mha ·   L2 · mlp   L3 · mlp      what is left
 *     L0 mha mlp   L1 mha mlp            L2 · mlp      packed
 *
 * The order of the blocks, and with it what the model computes, stays the same.
 */
import type { Layered } from './config.ts';
import type { RelayerEdit } from './relayer.ts';
import { walkOf } from './walk.ts';

/** A packed layer: the layers its blocks were in; null where it lacks the block. */
export interface PackedLayer {
  readonly mha: number | null;
  readonly mlp: number | null;
}

/** The fewest layers that hold the model's blocks in their order. */
export function packLayers(config: Layered): PackedLayer[] {
  const packed: PackedLayer[] = [];
  for (const { kind, layer } of walkOf(config)) {
    const last = packed.at(-1);
    if (kind === 'mha') packed.push({ mha: layer, mlp: null });
    else if (last === undefined || last.mlp !== null) packed.push({ mha: null, mlp: layer });
    else packed[packed.length - 1] = { ...last, mlp: layer };
  }
  return packed;
}

/** The edit after which the model's layers are the packed ones. */
export function packEdit(config: Layered): RelayerEdit {
  return { type: 'relayer', layers: packLayers(config) };
}
