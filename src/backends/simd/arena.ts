import { MemoryBudgetError } from '../../errors.ts';

/** Every allocation starts on a cache line. */
const ALIGNMENT = 64;

/** A piece of the arena. `offset` is a byte address in the WebAssembly memory. */
export interface Allocation {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Hands out pieces of one fixed range of addresses. Short-lived pieces (activations) are taken
 * first-fit from the bottom, long-lived ones (weights) last-fit from the top, so that a model's
 * weights do not end up as islands between buffers that come and go.
 */
export class Arena {
  readonly capacity: number;
  #inUse = 0;
  /** Free ranges by rising address, never touching each other. */
  readonly #free: { offset: number; bytes: number }[];
  readonly #live = new Map<number, number>();

  constructor(start: number, end: number) {
    const first = Math.ceil(start / ALIGNMENT) * ALIGNMENT;
    this.capacity = Math.floor(end / ALIGNMENT) * ALIGNMENT - first;
    this.#free = [{ offset: first, bytes: this.capacity }];
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** @throws MemoryBudgetError when no free range is long enough. */
  allocate(bytes: number, lifetime: 'short' | 'long'): Allocation {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    const index =
      lifetime === 'short'
        ? this.#free.findIndex((range) => range.bytes >= size)
        : this.#free.findLastIndex((range) => range.bytes >= size);
    if (index < 0) {
      throw new MemoryBudgetError(
        `${mebibytes(size)} MiB more do not fit: ${mebibytes(this.#inUse)} of ${mebibytes(this.capacity)} MiB are in use.`,
        { remedy: 'Raise --memory, or lower --chunk.' },
      );
    }
    const range = this.#free[index];
    const offset = lifetime === 'short' ? range.offset : range.offset + range.bytes - size;
    range.bytes -= size;
    if (lifetime === 'short') range.offset += size;
    if (range.bytes === 0) this.#free.splice(index, 1);
    this.#live.set(offset, size);
    this.#inUse += size;
    return { offset, bytes: size };
  }

  /** Gives a piece back and joins it with its free neighbours. */
  release(allocation: Allocation): void {
    const size = this.#live.get(allocation.offset);
    if (size === undefined) throw new Error(`arena: ${allocation.offset} is not allocated`);
    this.#live.delete(allocation.offset);
    this.#inUse -= size;
    let index = this.#free.findIndex((range) => range.offset > allocation.offset);
    if (index < 0) index = this.#free.length;
    this.#free.splice(index, 0, { offset: allocation.offset, bytes: size });
    this.#joinWithNext(index);
    if (index > 0) this.#joinWithNext(index - 1);
  }

  #joinWithNext(index: number): void {
    const range = this.#free[index];
    const next = this.#free[index + 1];
    if (next !== undefined && range.offset + range.bytes === next.offset) {
      range.bytes += next.bytes;
      this.#free.splice(index + 1, 1);
    }
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
