/** A block's weights: read, packed for the backend, and given back. */
import type { Backend, DeviceTensor, LinearWeight } from '../backends/backend.ts';
import type { BlockId } from './blockId.ts';
import type { NormWeights, ResidualBlock } from './residualBlock.ts';
import { mhaTensorNames, mlpTensorNames, type LinearNames, type NormNames } from './tensorNames.ts';
import type { WeightSource } from './weights.ts';

/** Reads a block's weights and packs them. Where one of them cannot be had, what was packed before is given back. */
export function loadBlock(source: WeightSource, backend: Backend, id: BlockId): Promise<ResidualBlock> {
  return whole(source, backend, (loading) => loading.block(id));
}

/** Likewise a norm's. */
export function loadNorm(source: WeightSource, backend: Backend, names: NormNames): Promise<NormWeights> {
  return whole(source, backend, (loading) => loading.norm(names));
}

export function freeBlock(backend: Backend, block: ResidualBlock): void {
  freeNorm(backend, block.norm);
  if (block.kind === 'mlp') {
    for (const weight of [block.gate, block.up, block.down]) if (weight !== null) backend.freeLinear(weight);
    return;
  }
  for (const weight of Object.values(block.qkv)) backend.freeLinear(weight);
  backend.freeLinear(block.output);
  for (const gain of [block.qNorm, block.kNorm]) if (gain !== null) backend.free(gain);
}

export function freeNorm(backend: Backend, norm: NormWeights): void {
  backend.free(norm.weight);
  if (norm.bias !== null) backend.free(norm.bias);
}

/** All of it or nothing. */
async function whole<T>(source: WeightSource, backend: Backend, load: (loading: Loading) => Promise<T>): Promise<T> {
  const loading = new Loading(source, backend);
  try {
    return await load(loading);
  } catch (error) {
    loading.undo();
    throw error;
  }
}

/** Remembers what it has made, so that it can be undone. */
class Loading {
  readonly #source: WeightSource;
  readonly #backend: Backend;
  readonly #undo: (() => void)[] = [];

  constructor(source: WeightSource, backend: Backend) {
    this.#source = source;
    this.#backend = backend;
  }

  async block(id: BlockId): Promise<ResidualBlock> {
    const { config } = this.#source;
    if (id.kind === 'mlp') {
      const names = mlpTensorNames(config, id.layer);
      return {
        kind: 'mlp',
        layer: id.layer,
        norm: await this.norm(names.norm),
        gate: names.gate === null ? null : await this.#linear(names.gate),
        up: await this.#linear(names.up),
        down: await this.#linear(names.down),
      };
    }
    const names = mhaTensorNames(config, id.layer);
    const { qkv } = names;
    return {
      kind: 'mha',
      layer: id.layer,
      norm: await this.norm(names.norm),
      qkv:
        'fused' in qkv
          ? { fused: await this.#linear(qkv.fused) }
          : { q: await this.#linear(qkv.q), k: await this.#linear(qkv.k), v: await this.#linear(qkv.v) },
      output: await this.#linear(names.output),
      qNorm: names.qNorm === null ? null : await this.#vector(names.qNorm),
      kNorm: names.kNorm === null ? null : await this.#vector(names.kNorm),
    };
  }

  async norm(names: NormNames): Promise<NormWeights> {
    return {
      weight: await this.#vector(names.weight),
      bias: names.bias === null ? null : await this.#vector(names.bias),
    };
  }

  /** Last made, first freed: the order that leaves no holes. */
  undo(): void {
    for (const free of this.#undo.splice(0).toReversed()) free();
  }

  async #vector(name: string): Promise<DeviceTensor> {
    const data = await this.#source.tensor(name);
    const vector = this.#backend.store(data, 1, data.length);
    this.#undo.push(() => this.#backend.free(vector));
    return vector;
  }

  async #linear(names: LinearNames): Promise<LinearWeight> {
    const weight = await this.#source.tensor(names.weight);
    const [out, inn] = this.#source.tensors.get(names.weight)?.shape ?? [0, 0];
    const bias = names.bias === null ? null : await this.#source.tensor(names.bias);
    const packed = this.#backend.packLinear(weight, out, inn, bias);
    this.#undo.push(() => this.#backend.freeLinear(packed));
    return packed;
  }
}
