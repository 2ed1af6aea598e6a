/** Ids in one array that grows: four bytes an id, where a list of numbers takes eight and more. */
export class IdBuffer {
  #ids = new Int32Array(1 << 12);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds ids, from index `from` on. */
  push(ids: ArrayLike<number>, from = 0): void {
    const added = ids.length - from;
    if (this.#length + added > this.#ids.length) {
      const larger = new Int32Array(Math.max(2 * this.#ids.length, this.#length + added));
      larger.set(this.#ids.subarray(0, this.#length));
      this.#ids = larger;
    }
    for (let at = from; at < ids.length; at++) this.#ids[this.#length++] = ids[at];
  }

  /** The first `count` ids, or all where there are fewer, in memory of their own. */
  first(count: number): Int32Array {
    return this.#ids.slice(0, Math.min(count, this.#length));
  }
}
