/**
 * What pruning does to a model, as views of its weights: blocks removed, tensors rewritten, layers
 * put together anew. An edited model is a `WeightSource` like any other. Nothing is read before it
 * is asked for, and nothing is kept, so a model larger than memory can be edited, run and written.
 */
import { NotFoundError, ShapeError } from '../errors.ts';
import type { Hasher } from '../platform/sha256.ts';
import { formatBlock, requireBlock, type BlockId } from './blockId.ts';
import { blockTensorNames } from './blockTensors.ts';
import type { LayerSpec, ModelConfig } from './config.ts';
import { Mask } from './mask.ts';
import { blockShapes, tensorShapes } from './tensorShapes.ts';
import { walkOf } from './walk.ts';
import { sizeOf, type TensorInfo, type WeightSource } from './weights.ts';

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

/** A layer that the model did not have. */
export interface NewLayer {
  readonly spec: LayerSpec;
  /** All tensors of its blocks, by their canonical names at the layer's new place. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** Other layers in place of the model's. */
export interface RelayerEdit {
  readonly type: 'relayer';
  /**
   * From the input to the output: layers of the model by number, as often as wanted, and new ones.
   */
  readonly layers: readonly (number | NewLayer)[];
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

/** A tensor of a view. */
interface Place {
  readonly info: TensorInfo;
  read(): Promise<Float32Array>;
  rows(from: number, to: number): Promise<Float32Array>;
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

function relayered(base: WeightSource, edit: RelayerEdit): WeightSource {
  const specs = edit.layers.map((layer) => specOf(base.config, layer));
  const config = { ...base.config, layers: specs };
  const blocks = new Map<string, Place>();
  for (const [layer, from] of edit.layers.entries()) {
    const places = typeof from === 'number' ? movedLayer(base, config, layer, from) : newLayer(config, layer, from);
    for (const [name, place] of places) blocks.set(name, place);
  }
  const places = new Map(
    [...tensorShapes(config).keys()].map((name) => [name, blocks.get(name) ?? placeOf(base, name)]),
  );
  return viewOf(base, config, places, (hasher) => {
    hashLine(hasher, `relayer ${edit.layers.length}`);
    for (const layer of edit.layers) {
      hashLine(hasher, typeof layer === 'number' ? `layer ${layer}` : `new layer ${JSON.stringify(layer.spec)}`);
      if (typeof layer === 'number') continue;
      for (const [name, values] of [...layer.weights].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        hashLine(hasher, name);
        hashValues(hasher, values);
      }
    }
  });
}

function specOf(config: ModelConfig, layer: number | NewLayer): LayerSpec {
  if (typeof layer !== 'number') return checkedSpec(layer.spec);
  const spec: LayerSpec | undefined = config.layers[layer];
  if (spec !== undefined) return spec;
  throw new NotFoundError(`there is no layer ${layer}: the model's layers are 0 … ${config.layers.length - 1}.`);
}

/** @throws ShapeError for sizes that no block can have. */
function checkedSpec(spec: LayerSpec): LayerSpec {
  const { mha, mlp } = spec;
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;
  if (mha !== null && !(isCount(mha.heads) && isCount(mha.kvHeads) && mha.heads % mha.kvHeads === 0)) {
    throw new ShapeError(`${mha.heads} heads cannot share ${mha.kvHeads} key/value heads.`, { where: 'new layer' });
  }
  if (mha !== null && mha.window !== null && !isCount(mha.window)) {
    throw new ShapeError(`a window of ${mha.window} keys is not possible.`, { where: 'new layer' });
  }
  if (mlp !== null && !isCount(mlp.intermediateSize)) {
    throw new ShapeError(`an MLP of ${mlp.intermediateSize} hidden numbers is not possible.`, { where: 'new layer' });
  }
  return spec;
}

/** The tensors of layer `from` under their names as layer `layer`. */
function movedLayer(base: WeightSource, config: ModelConfig, layer: number, from: number): Map<string, Place> {
  const names = (own: ModelConfig, at: number): string[] => {
    return blocksOfLayer(own, at).flatMap((block) => blockTensorNames(own, block));
  };
  const old = names(base.config, from);
  return new Map(names(config, layer).map((name, index) => [name, placeOf(base, old[index])]));
}

function newLayer(config: ModelConfig, layer: number, { weights }: NewLayer): Map<string, Place> {
  const where = `new layer ${layer}`;
  const shapes = new Map(blocksOfLayer(config, layer).flatMap((block) => [...blockShapes(config, block)]));
  const unknown = [...weights.keys()].find((name) => !shapes.has(name));
  if (unknown !== undefined) throw new NotFoundError(`a layer of this shape has no tensor '${unknown}'.`, { where });
  const places = [...shapes].map(([name, shape]) => {
    const values = weights.get(name);
    if (values === undefined) throw new NotFoundError(`tensor '${name}' is missing.`, { where });
    checkLength(name, values, shape);
    return [name, computed(name, shape, () => Promise.resolve(values))] as const;
  });
  return new Map(places);
}

function blocksOfLayer(config: ModelConfig, layer: number): BlockId[] {
  return walkOf(config).filter((block) => block.layer === layer);
}

/** A tensor of the base, as it is. */
function placeOf(base: WeightSource, name: string): Place {
  const info = base.tensors.get(name);
  if (info === undefined) throw new NotFoundError(`the model has no tensor '${name}'.`, { where: base.name });
  return { info, read: () => base.tensor(name), rows: (from, to) => base.rows(name, from, to) };
}

/** A tensor whose values are made when they are asked for. */
/** @param some gives rows for less than all values, or undefined where it cannot. */
function computed(
  name: string,
  shape: readonly number[],
  values: () => Promise<Float32Array>,
  some: (from: number, to: number) => Promise<Float32Array> | undefined = () => undefined,
): Place {
  const read = async (): Promise<Float32Array> => checkLength(name, await values(), shape);
  return {
    info: { shape, dtype: 'F32', bytes: 4 * sizeOf(shape) },
    read,
    async rows(from, to) {
      const [rows, width] = shape;
      if (width === undefined || !(from >= 0 && from <= to && to <= rows)) {
        throw new NotFoundError(`there are no rows ${from} … ${to} in tensor '${name}' [${shape.join(', ')}].`);
      }
      const taken = await some(from, to);
      if (taken !== undefined) return checkLength(name, taken, [to - from, width]);
      return (await read()).slice(from * width, to * width);
    },
  };
}

function checkLength(name: string, values: Float32Array, shape: readonly number[]): Float32Array {
  if (values.length === sizeOf(shape)) return values;
  throw new ShapeError(`'${name}' [${shape.join(', ')}] cannot hold ${values.length} numbers.`, { where: 'edit' });
}

/** @param hashEdit adds the edit to a hash, after the contents of the base. */
function viewOf(
  base: WeightSource,
  config: ModelConfig,
  places: ReadonlyMap<string, Place>,
  hashEdit: (hasher: Hasher) => void | Promise<void>,
): WeightSource {
  const find = (name: string): Place => {
    const place = places.get(name);
    if (place === undefined) throw new NotFoundError(`the model has no tensor '${name}'.`, { where: base.name });
    return place;
  };
  return {
    name: base.name,
    config,
    tensors: new Map([...places].map(([name, { info }]) => [name, info])),
    tensor: async (name) => find(name).read(),
    rows: async (name, from, to) => find(name).rows(from, to),
    async contentHash(hasher) {
      // The base ends no hash here: it goes on with the edit.
      await base.contentHash({ update: (bytes) => hasher.update(bytes), digest: () => '' });
      await hashEdit(hasher);
      return hasher.digest();
    },
    assertUnchanged: () => base.assertUnchanged(),
    close: () => base.close(),
  };
}

function hashLine(hasher: Hasher, text: string): void {
  hasher.update(new TextEncoder().encode(`\n${text}\n`));
}

function hashValues(hasher: Hasher, values: Float32Array): void {
  hasher.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}
