/**
 * Packed weights under a byte budget. When it is short, the piece loaded last is dropped first. A
 * walk of the model asks for its weights in the same order every time, so that is the one that will
 * be wanted again latest, and the first pieces stay for good. (Dropping the least recently used
 * piece, the usual rule, would miss on every request of such a loop.) Pieces also go in the reverse
 * order of their coming, so that the memory they leave is one range, not holes in which a larger
 * piece has no room.
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
   * The piece named `key`, loaded if it is not held. It may be dropped at the next `use`, so it
   * must not be kept across one. `bytes` is its size once loaded.
   */
  async use<T>(key: string, bytes: number, load: () => Promise<T>, free: (value: T) => void): Promise<T> {
    const held = this.#pieces.get(key);
    if (held !== undefined) return held.value as T;
    // The order of the map is the order of loading.
    while (this.#bytes + bytes > this.#budget && this.#pieces.size > 0)
      this.#drop([...this.#pieces.keys()].at(-1) ?? '');
    const value = await load();
    this.#pieces.set(key, { value, bytes, free: () => free(value) });
    this.#bytes += bytes;
    return value;
  }

  clear(): void {
    for (const key of [...this.#pieces.keys()].toReversed()) this.#drop(key);
  }

  #drop(key: string): void {
    const piece = this.#pieces.get(key);
    if (piece === undefined) return;
    this.#pieces.delete(key);
    this.#bytes -= piece.bytes;
    piece.free();
  }
}
