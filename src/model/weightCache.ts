/**
 * Packed weights under a byte budget. A walk of the model asks for its weights in the same order every time, so
 * when the budget is short the piece used last is dropped first: it is the one that will be wanted again latest.
 * (Dropping the least recently used piece, the usual rule, would miss on every request of such a loop.)
 */
export class WeightCache {
  readonly #budget: number;
  readonly #pieces = new Map<string, { value: unknown; bytes: number; free: () => void }>();
  #bytes = 0;

  constructor(budgetBytes: number) {
    this.#budget = budgetBytes;
  }

  /** Bytes of the pieces held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The piece named `key`, loaded if it is not held. It may be dropped at the next `use`, so it must not be kept
   * across one. `bytes` is its size once loaded.
   */
  async use<T>(key: string, bytes: number, load: () => Promise<T>, free: (value: T) => void): Promise<T> {
    const held = this.#pieces.get(key);
    if (held !== undefined) {
      // To the end of the map: the order of the map is the order of use.
      this.#pieces.delete(key);
      this.#pieces.set(key, held);
      return held.value as T;
    }
    while (this.#bytes + bytes > this.#budget && this.#pieces.size > 0)
      this.#drop([...this.#pieces.keys()].at(-1) ?? '');
    const value = await load();
    this.#pieces.set(key, { value, bytes, free: () => free(value) });
    this.#bytes += bytes;
    return value;
  }

  clear(): void {
    for (const key of this.#pieces.keys()) this.#drop(key);
  }

  #drop(key: string): void {
    const piece = this.#pieces.get(key);
    if (piece === undefined) return;
    this.#pieces.delete(key);
    this.#bytes -= piece.bytes;
    piece.free();
  }
}
