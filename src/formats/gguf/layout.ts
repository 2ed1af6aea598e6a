/**
 * How a pruned model lies in a GGUF file: the architecture that llama.cpp runs it as, and its
 * layers.
 *
 * A model whose layers, once packed (src/model/pack.ts), are all whole and alike keeps its own
 * architecture and has fewer layers. Otherwise it becomes `deci`, where each layer states its heads
 * and its width. What llama.cpp's graph of deci cannot run is filled with a block that adds zero:
 *
 * - an MLP after every attention: without one (width 0), llama.cpp drops the attention as well,
 *   without a word, and in the last layer it aborts;
 * - an attention in the first layer: llama.cpp takes the width of all heads from it.
 *
 * Later layers do without an attention: no tensors, no cache. Source: llama.cpp's graph builder for
 * deci, release 0.5.0 of September 2026; see its pull request 13296.
 */
import { blockShapes } from '../../model/tensorShapes.ts';
import { mhaTensorNames, mlpTensorNames } from '../../model/tensorNames.ts';
import { uniformShape, type LayerSpec, type MhaSpec, type MlpSpec, type ModelConfig } from '../../model/config.ts';
import { packLayers, type PackedLayer } from '../../model/pack.ts';
import type { JoinedLayer, NewBlock, RelayerEdit } from '../../model/relayer.ts';

export interface GgufLayout {
  /** `general.architecture`. */
  readonly arch: string;
  /** From the pruned model's layers to the file's. */
  readonly edit: RelayerEdit;
  /** Blocks that add zero, put in for llama.cpp's sake. */
  readonly zeroBlocks: { readonly mha: number; readonly mlp: number };
}

/** One block of Q4_0 or Q8_0: narrower rows could not be quantised. */
const ZERO_WIDTH = 32;

/** What no architecture of llama.cpp can run of such a model, in words; null where one can. */
export function unsaidByGguf(config: ModelConfig): string | null {
  const packed = packLayers(config);
  if (packed.length === 0) return 'no block is left, and a GGUF file needs a layer';
  if (areAlike(config, packed)) return null;
  const lacks = config.rope === null ? 'learned positions' : config.qkNorm ? 'norms of queries and keys' : null;
  return lacks === null ? null : `layers that differ are arch deci, which has no ${lacks}`;
}

/** The layout of a model of which `unsaidByGguf` says nothing. */
export function ggufLayout(config: ModelConfig): GgufLayout {
  const packed = packLayers(config);
  if (areAlike(config, packed)) {
    return { arch: plainArch(config), edit: { type: 'relayer', layers: packed }, zeroBlocks: { mha: 0, mlp: 0 } };
  }
  const layers = packed.map((layer, index) => filled(config, layer, index));
  const zeros = (kind: 'mha' | 'mlp'): number => layers.filter((layer) => isNew(layer[kind])).length;
  return { arch: 'deci', edit: { type: 'relayer', layers }, zeroBlocks: { mha: zeros('mha'), mlp: zeros('mlp') } };
}

/** The architecture of a model whose layers are alike: Mistral's is llama's. */
export function plainArch({ family }: ModelConfig): string {
  return family === 'mistral' ? 'llama' : family;
}

function isNew(block: number | object | null): boolean {
  return typeof block === 'object' && block !== null;
}

/** Whether packed layers are whole and of one shape, as plain architectures have them. */
function areAlike({ layers }: ModelConfig, packed: readonly PackedLayer[]): boolean {
  const specs = packed.map(({ mha, mlp }): LayerSpec => {
    return { mha: mha === null ? null : layers[mha].mha, mlp: mlp === null ? null : layers[mlp].mlp };
  });
  return uniformShape(specs) !== null;
}

function filled(config: ModelConfig, { mha, mlp }: PackedLayer, layer: number): JoinedLayer {
  return {
    mha: mha ?? (layer === 0 ? zeroMha(config) : null),
    mlp: mlp ?? zeroMlp(config, layer),
  };
}

/** An attention of one head whose output is zero, in layer 0. */
function zeroMha(config: ModelConfig): NewBlock<MhaSpec> {
  const spec: MhaSpec = { heads: 1, kvHeads: 1, window: null };
  const own = { ...config, layers: [{ mha: spec, mlp: null }] };
  return { spec, weights: zeroWeights(own, 'mha', 0, mhaTensorNames(own, 0).norm.weight) };
}

function zeroMlp(config: ModelConfig, layer: number): NewBlock<MlpSpec> {
  const spec: MlpSpec = { intermediateSize: ZERO_WIDTH };
  const none: LayerSpec = { mha: null, mlp: null };
  const own = { ...config, layers: [...Array.from({ length: layer }, () => none), { mha: null, mlp: spec }] };
  return { spec, weights: zeroWeights(own, 'mlp', layer, mlpTensorNames(own, layer).norm.weight) };
}

/** All weights of a block zero, but for its norm's, which are one. */
function zeroWeights(config: ModelConfig, kind: 'mha' | 'mlp', layer: number, norm: string): Map<string, Float32Array> {
  const shapes = blockShapes(config, { kind, layer });
  return new Map(
    [...shapes].map(([name, shape]) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      return [name, new Float32Array(size).fill(name === norm ? 1 : 0)];
    }),
  );
}
