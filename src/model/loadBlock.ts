/** A block's weights: read, packed for the backend, and given back. */
import type { Backend, DeviceTensor, LinearWeight } from '../backends/backend.ts';
import type { BlockId } from './blockId.ts';
import { assembleBlock, assembleNorm, blockParts } from './blockTensors.ts';
import type { NormWeights, ResidualBlock } from './residualBlock.ts';
import type { LinearNames, NormNames } from './tensorNames.ts';
import type { WeightSource } from './weights.ts';

/** Reads a block's weights and packs them. If one cannot be read, what was packed is freed. */
export function loadBlock(source: WeightSource, backend: Backend, id: BlockId): Promise<ResidualBlock> {
  return whole(source, backend, async (loaded) => {
    // One after another: the host never holds more than one tensor that is not packed yet.
    for (const part of blockParts(source.config, id)) {
      if ('linear' in part) await loaded.readLinear(part.linear);
      else await loaded.readVector(part.vector);
    }
    return assembleBlock(source.config, id, loaded);
  });
}

/** Likewise a norm's. */
export function loadNorm(source: WeightSource, backend: Backend, names: NormNames): Promise<NormWeights> {
  return whole(source, backend, async (loaded) => {
    await loaded.readVector(names.weight);
    if (names.bias !== null) await loaded.readVector(names.bias);
    return assembleNorm(names, loaded);
  });
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
async function whole<T>(source: WeightSource, backend: Backend, load: (loaded: LoadedParts) => Promise<T>): Promise<T> {
  const loaded = new LoadedParts(source, backend);
  try {
    return await load(loaded);
  } catch (error) {
    loaded.free();
    throw error;
  }
}

/** What has been packed so far, by the name of its tensor. */
class LoadedParts {
  readonly #source: WeightSource;
  readonly #backend: Backend;
  readonly #linears = new Map<string, LinearWeight>();
  readonly #vectors = new Map<string, DeviceTensor>();
  readonly #undo: (() => void)[] = [];

  constructor(source: WeightSource, backend: Backend) {
    this.#source = source;
    this.#backend = backend;
  }

  async readVector(name: string): Promise<void> {
    const data = await this.#source.tensor(name);
    const vector = this.#backend.store(data, 1, data.length);
    this.#undo.push(() => this.#backend.free(vector));
    this.#vectors.set(name, vector);
  }

  async readLinear(names: LinearNames): Promise<void> {
    const weight = await this.#source.tensor(names.weight);
    const [out, inn] = this.#source.tensors.get(names.weight)?.shape ?? [0, 0];
    const bias = names.bias === null ? null : await this.#source.tensor(names.bias);
    const packed = this.#backend.packLinear(weight, out, inn, bias);
    this.#undo.push(() => this.#backend.freeLinear(packed));
    this.#linears.set(names.weight, packed);
  }

  vector(name: string): DeviceTensor {
    return found(this.#vectors, name);
  }

  linear({ weight }: LinearNames): LinearWeight {
    return found(this.#linears, weight);
  }

  /** Last made, first freed: the order that leaves no holes. */
  free(): void {
    for (const free of this.#undo.splice(0).toReversed()) free();
  }
}

function found<T>(parts: ReadonlyMap<string, T>, name: string): T {
  const part = parts.get(name);
  if (part === undefined) throw new Error(`'${name}' is not among the parts of its block`);
  return part;
}
