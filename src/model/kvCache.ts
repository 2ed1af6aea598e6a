import type { Backend, DeviceTensor, Scope } from '../backends/backend.ts';
import { ShapeError } from '../errors.ts';
import type { BlockId } from './blockId.ts';
import { mhaSpec, type ModelConfig } from './config.ts';
import type { Mask } from './mask.ts';
import { walkOf } from './walk.ts';

/** Takes the keys and values of new positions and returns those of all positions so far. */
export type AppendToCache = (k: DeviceTensor, v: DeviceTensor) => [DeviceTensor, DeviceTensor];

/** One MHA's keys and values of the positions seen so far, [capacity, K·D] each. */
export class KvSlot {
  readonly #backend: Backend;
  readonly #keys: DeviceTensor;
  readonly #values: DeviceTensor;

  constructor(backend: Backend, capacity: number, width: number) {
    this.#backend = backend;
    this.#keys = backend.allocate(capacity, width);
    this.#values = backend.allocate(capacity, width);
  }

  /** Writes new rows at position `at` and returns all keys and values up to and including them. */
  append(scope: Scope, at: number, k: DeviceTensor, v: DeviceTensor): [DeviceTensor, DeviceTensor] {
    this.#backend.writeRows(this.#keys, at, k);
    this.#backend.writeRows(this.#values, at, v);
    return [scope.view(this.#keys, 0, at + k.rows), scope.view(this.#values, 0, at + v.rows)];
  }

  free(): void {
    this.#backend.free(this.#keys);
    this.#backend.free(this.#values);
  }
}

/**
 * The cache of one sequence being generated. It has a slot for each surviving MHA only: a removed
 * one has no keys, and the others keep their own, whatever is masked around them.
 */
export class KvCache {
  /** Positions the cache can hold. */
  readonly capacity: number;
  /** Positions it holds. */
  length = 0;
  /** By layer. */
  readonly #slots = new Map<number, KvSlot>();

  constructor(backend: Backend, config: ModelConfig, mask: Mask, capacity: number) {
    this.capacity = capacity;
    for (const { kind, layer } of walkOf(config, mask)) {
      if (kind === 'mlp') continue;
      const width = mhaSpec(config, layer).kvHeads * config.headDim;
      this.#slots.set(layer, new KvSlot(backend, capacity, width));
    }
  }

  /** How many slots there are: the number of surviving MHA blocks. */
  get slots(): number {
    return this.#slots.size;
  }

  /** The slot of a layer's MHA. @throws ShapeError for a removed one. */
  slot(layer: number): KvSlot {
    const slot = this.#slots.get(layer);
    if (slot === undefined) throw new ShapeError(`L${layer}.mha is removed and has no slot.`, { where: 'KV cache' });
    return slot;
  }

  /** How a block appends the keys and values of new positions; null for an MLP, which has none. */
  appender({ kind, layer }: BlockId, scope: Scope): AppendToCache | null {
    if (kind === 'mlp') return null;
    const slot = this.slot(layer);
    return (k, v) => slot.append(scope, this.length, k, v);
  }

  free(): void {
    for (const slot of this.#slots.values()) slot.free();
  }
}
