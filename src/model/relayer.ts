/** Layers put together anew: the model's own in another order, new ones, and pairs of blocks. */
import { NotFoundError, ShapeError } from '../errors.ts';
import type { Hasher } from '../platform/sha256.ts';
import type { BlockId } from './blockId.ts';
import { blockTensorNames } from './blockTensors.ts';
import type { LayerSpec, MhaSpec, MlpSpec, ModelConfig } from './config.ts';
import { checkLength, computed, hashLine, hashValues, placeOf, viewOf, type Place } from './editView.ts';
import { blockShapes, tensorShapes } from './tensorShapes.ts';
import { walkOf } from './walk.ts';
import type { WeightSource } from './weights.ts';

/** A layer that the model did not have. */
export interface NewLayer {
  readonly spec: LayerSpec;
  /** All tensors of its blocks, by their canonical names at the layer's new place. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** A block that the model did not have; its weights are named as a new layer's. */
export interface NewBlock<Spec> {
  readonly spec: Spec;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** A layer of two blocks: each of some layer of the model, new, or none. */
export interface JoinedLayer {
  readonly mha: number | NewBlock<MhaSpec> | null;
  readonly mlp: number | NewBlock<MlpSpec> | null;
}

/** A layer of the model by its number, or one of the two. */
export type LayerSource = number | NewLayer | JoinedLayer;

/** Other layers in place of the model's. */
export interface RelayerEdit {
  readonly type: 'relayer';
  /** From the input to the output, each of the model's as often as wanted. */
  readonly layers: readonly LayerSource[];
}

/**
 * @throws NotFoundError for a layer, a block or a tensor that is not there; ShapeError for weights
 * that do not fit their layer.
 */
export function relayered(base: WeightSource, edit: RelayerEdit): WeightSource {
  const specs = edit.layers.map((layer) => specOf(base.config, layer));
  const config = { ...base.config, layers: specs };
  const blocks = new Map<string, Place>();
  for (const [layer, from] of edit.layers.entries()) {
    for (const [name, place] of layerPlaces(base, config, layer, from)) blocks.set(name, place);
  }
  const places = new Map(
    [...tensorShapes(config).keys()].map((name) => [name, blocks.get(name) ?? placeOf(base, name)]),
  );
  return viewOf(base, config, places, (hasher) => {
    hashLine(hasher, `relayer ${edit.layers.length}`);
    for (const layer of edit.layers) hashLayer(hasher, layer);
  });
}

function hashLayer(hasher: Hasher, layer: LayerSource): void {
  if (typeof layer === 'number') return hashLine(hasher, `layer ${layer}`);
  if ('spec' in layer) return hashNew(hasher, 'layer', layer);
  for (const kind of ['mha', 'mlp'] as const) {
    const from = layer[kind];
    if (from === null || typeof from === 'number') hashLine(hasher, `${kind} ${from ?? 'none'}`);
    else hashNew(hasher, kind, from);
  }
}

function hashNew(hasher: Hasher, what: string, { spec, weights }: NewBlock<unknown>): void {
  hashLine(hasher, `new ${what} ${JSON.stringify(spec)}`);
  for (const [name, values] of [...weights].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hashLine(hasher, name);
    hashValues(hasher, values);
  }
}

function specOf(config: ModelConfig, layer: LayerSource): LayerSpec {
  if (typeof layer === 'number') return ownLayer(config, layer);
  if ('spec' in layer) return checkedSpec(layer.spec);
  const { mha, mlp } = layer;
  return checkedSpec({
    mha: typeof mha === 'number' ? ownBlock(config, { layer: mha, kind: 'mha' }) : (mha?.spec ?? null),
    mlp: typeof mlp === 'number' ? ownBlock(config, { layer: mlp, kind: 'mlp' }) : (mlp?.spec ?? null),
  });
}

function ownLayer({ layers }: ModelConfig, layer: number): LayerSpec {
  const spec: LayerSpec | undefined = layers[layer];
  if (spec !== undefined) return spec;
  throw new NotFoundError(`there is no layer ${layer}: the model's layers are 0 … ${layers.length - 1}.`);
}

function ownBlock<Kind extends 'mha' | 'mlp'>(
  config: ModelConfig,
  { layer, kind }: { layer: number; kind: Kind },
): NonNullable<LayerSpec[Kind]> {
  const spec = ownLayer(config, layer)[kind];
  if (spec === null) throw new NotFoundError(`the model has no block L${layer}.${kind}.`);
  return spec;
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

/** The tensors of a layer, under their names as layer `layer`. */
function layerPlaces(base: WeightSource, config: ModelConfig, layer: number, from: LayerSource): Map<string, Place> {
  const blocks = walkOf(config).filter((block) => block.layer === layer);
  if (typeof from === 'object' && 'spec' in from) return newPlaces(config, layer, blocks, from.weights);
  const places = blocks.map((block) => {
    const own = typeof from === 'number' ? from : from[block.kind];
    if (own !== null && typeof own === 'object') return newPlaces(config, layer, [block], own.weights);
    return ownPlaces(base, config, block, own ?? layer);
  });
  return new Map(places.flatMap((some) => [...some]));
}

/** The tensors of a block of the model, which was in layer `from`. */
function ownPlaces(base: WeightSource, config: ModelConfig, block: BlockId, from: number): Map<string, Place> {
  const old = blockTensorNames(base.config, { ...block, layer: from });
  return new Map(blockTensorNames(config, block).map((name, index) => [name, placeOf(base, old[index])]));
}

function newPlaces(
  config: ModelConfig,
  layer: number,
  blocks: readonly BlockId[],
  weights: ReadonlyMap<string, Float32Array>,
): Map<string, Place> {
  const where = `new layer ${layer}`;
  const shapes = new Map(blocks.flatMap((block) => [...blockShapes(config, block)]));
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
