/**
 * Models built from plain arrays, whose layers are not alike: blocks that are not there, MLPs of
 * different widths.
 */
import { fc } from '@fast-check/vitest';
import { parameterSource, type Parameter } from '../../src/autodiff/parameters.ts';
import { parseHfConfig } from '../../src/formats/huggingface/config.ts';
import type { FamilyName, LayerSpec, ModelConfig } from '../../src/model/config.ts';
import { tensorShapes } from '../../src/model/tensorShapes.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { numel } from '../../src/tensor/shape.ts';
import { drawArray, seeds } from '../arbitraries.ts';
import { someFamily } from './modelArbitraries.ts';
import { tinyConfig } from './tinyTransformer.ts';

export interface UnevenShape {
  readonly family: FamilyName;
  readonly seed: number;
  /** A layer's MHA is there or not; its MLP has a width, or is not there. */
  readonly layers: readonly { readonly mha: boolean; readonly width: number | null }[];
}

/** At least one block in all. */
export function someUneven(maxLayers = 4): fc.Arbitrary<UnevenShape> {
  const layer = fc.record({
    mha: fc.boolean(),
    width: fc.option(fc.constantFrom(1, 5, 8, 13, 24, 30)),
  });
  return fc
    .record({ family: someFamily, seed: seeds, layers: fc.array(layer, { minLength: 1, maxLength: maxLayers }) })
    .filter(({ layers }) => layers.some(({ mha, width }) => mha || width !== null));
}

/** A random model of that shape, which nothing but its config and arrays stand behind. */
export function unevenSource({ family, seed, layers }: UnevenShape): WeightSource {
  const { config: uniform } = parseHfConfig(tinyConfig(family, layers.length), 'config.json');
  const specs = layers.map(({ mha, width }, layer): LayerSpec => {
    const mlp = width === null ? null : { intermediateSize: width };
    return { mha: mha ? uniform.layers[layer].mha : null, mlp };
  });
  const config: ModelConfig = { ...uniform, layers: specs };
  return parameterSource('uneven', config, randomArrays(config, seed));
}

/** Values as in a trained model: gains near 1, small biases, matrices that keep streams finite. */
export function randomArrays(config: ModelConfig, seed: number): Map<string, Parameter> {
  const arrays = new Map<string, Parameter>();
  for (const [name, shape] of tensorShapes(config)) {
    const isGain = shape.length === 1 && name.endsWith('.weight');
    const values = drawArray(seededRng(seed).fork(name), numel(shape));
    arrays.set(name, { shape, data: values.map((value) => (isGain ? 1 : 0) + value / 4) });
  }
  return arrays;
}
