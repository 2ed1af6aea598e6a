/**
 * What pruning does to a model, as views of its weights: blocks removed, tensors rewritten, layers
 * put together anew. An edited model is a `WeightSource` like any other. Nothing is read before it
 * is asked for, and nothing is kept, so a model larger than memory can be edited, run and written.
 */
import { formatBlock, requireBlock, type BlockId } from './blockId.ts';
import { blockTensorNames } from './blockTensors.ts';
import type { LayerSpec } from './config.ts';
import { computed, hashLine, hashValues, placeOf, viewOf } from './editView.ts';
import { Mask } from './mask.ts';
import { relayered, type RelayerEdit } from './relayer.ts';
import type { WeightSource } from './weights.ts';

export type { NewLayer, RelayerEdit } from './relayer.ts';

/** Blocks that are gone, their norms with them. The others keep their names. */
export interface RemoveEdit {
  readonly type: 'remove';
  /** In the order of removal. */
  readonly blocks: readonly BlockId[];
}

/** A tensor with other values, in the same shape. */
export interface RewriteEdit {
  readonly type: 'rewrite';
  /** Canonical name. */
  readonly tensor: string;
  /**
   * The new values, row-major. Called each time the tensor, or a row of it, is asked for, so it
   * must give the same values again.
   * @param old the model before this edit.
   */
  values(old: WeightSource): Promise<Float32Array>;
  /**
   * Rows `from` (inclusive) to `to` (exclusive) of the new values. Without it they are cut from all
   * values, which is slow where a tensor is read row by row, as an embedding is.
   */
  rows?(old: WeightSource, from: number, to: number): Promise<Float32Array>;
}

export type Edit = RemoveEdit | RewriteEdit | RelayerEdit;

/**
 * A model after some edits, made one after the other.
 * @throws MaskError for a block to remove that is not there, or is named twice; NotFoundError for a
 * tensor or layer that is not there; ShapeError for weights that do not fit their layer. What
 * `values` of a rewrite gives is checked when it is read.
 */
export function edited(source: WeightSource, edits: readonly Edit[]): WeightSource {
  return edits.reduce<WeightSource>((base, edit) => {
    if (edit.type === 'remove') return removed(base, edit);
    return edit.type === 'rewrite' ? rewritten(base, edit) : relayered(base, edit);
  }, source);
}

function removed(base: WeightSource, { blocks }: RemoveEdit): WeightSource {
  for (const block of blocks) requireBlock(base.config, block);
  const mask = Mask.of(blocks);
  const layers = base.config.layers.map((spec, layer): LayerSpec => {
    return {
      mha: mask.has({ layer, kind: 'mha' }) ? null : spec.mha,
      mlp: mask.has({ layer, kind: 'mlp' }) ? null : spec.mlp,
    };
  });
  const gone = new Set(blocks.flatMap((block) => blockTensorNames(base.config, block)));
  const kept = [...base.tensors.keys()].filter((name) => !gone.has(name));
  const places = new Map(kept.map((name) => [name, placeOf(base, name)]));
  return viewOf(base, { ...base.config, layers }, places, (hasher) => {
    hashLine(hasher, `remove ${blocks.map(formatBlock).toSorted().join(',')}`);
  });
}

function rewritten(base: WeightSource, edit: RewriteEdit): WeightSource {
  const { tensor } = edit;
  const { info } = placeOf(base, tensor);
  const places = new Map([...base.tensors.keys()].map((name) => [name, placeOf(base, name)]));
  const values = (): Promise<Float32Array> => edit.values(base);
  const place = computed(tensor, info.shape, values, (from, to) => edit.rows?.(base, from, to));
  places.set(tensor, place);
  return viewOf(base, base.config, places, async (hasher) => {
    hashLine(hasher, `rewrite ${tensor}`);
    hashValues(hasher, await place.read());
  });
}
