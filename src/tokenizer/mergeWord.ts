/**
 * Byte-pair merging of one word: of all neighbours that can merge, those of the lowest rank, the
 * leftmost first.
 */
import type { MergeTable } from './mergeTable.ts';

/**
 * Up to this many symbols all pairs are looked at for every merge; above, a heap keeps them in
 * order.
 */
const SHORT = 24;

/** Positions in a word are below this, so that a rank and a position make one exact number. */
const POSITIONS = 2 ** 29;

/**
 * @param symbols ids of the characters, which are overwritten. @returns the ids of the merged
 * pieces.
 */
export function mergeWord(symbols: number[], merges: MergeTable): number[] {
  return symbols.length <= SHORT ? mergeShort(symbols, merges) : mergeLong(symbols, merges);
}

function mergeShort(symbols: number[], merges: MergeTable): number[] {
  for (;;) {
    let best = -1;
    let place = -1;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const found = merges.find(symbols[at], symbols[at + 1]);
      if (found >= 0 && (best < 0 || merges.ranks[found] < merges.ranks[best])) {
        best = found;
        place = at;
      }
    }
    if (best < 0) return symbols;
    symbols[place] = merges.results[best];
    symbols.splice(place + 1, 1);
  }
}

/**
 * The same in n log n: a list linked both ways, and a heap of what could be merged, some of it out
 * of date.
 */
function mergeLong(symbols: number[], merges: MergeTable): number[] {
  const count = symbols.length;
  const next = Int32Array.from(symbols, (_, at) => at + 1);
  const previous = Int32Array.from(symbols, (_, at) => at - 1);
  const heap = new Heap();
  const offer = (at: number): void => {
    if (at < 0 || next[at] >= count) return;
    const found = merges.find(symbols[at], symbols[next[at]]);
    if (found >= 0) heap.push(merges.ranks[found] * POSITIONS + at);
  };
  for (let at = 0; at + 1 < count; at++) offer(at);
  for (let key = heap.pop(); key >= 0; key = heap.pop()) {
    const at = key % POSITIONS;
    const right = next[at];
    if (symbols[at] < 0 || right >= count) continue;
    const found = merges.find(symbols[at], symbols[right]);
    if (found < 0 || merges.ranks[found] !== Math.floor(key / POSITIONS)) continue;
    symbols[at] = merges.results[found];
    symbols[right] = -1;
    next[at] = next[right];
    if (next[at] < count) previous[next[at]] = at;
    offer(previous[at]);
    offer(at);
  }
  return symbols.filter((symbol) => symbol >= 0);
}

/** Numbers, the lowest first. */
class Heap {
  readonly #keys: number[] = [];

  push(key: number): void {
    const keys = this.#keys;
    let at = keys.length;
    keys.push(key);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      keys[at] = keys[parent];
      at = parent;
    }
    keys[at] = key;
  }

  /** The lowest, taken out, or -1 where there is none. */
  pop(): number {
    const keys = this.#keys;
    const last = keys.pop();
    if (last === undefined) return -1;
    if (keys.length === 0) return last;
    const lowest = keys[0];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= keys.length) break;
      if (child + 1 < keys.length && keys[child + 1] < keys[child]) child++;
      if (keys[child] >= last) break;
      keys[at] = keys[child];
      at = child;
    }
    keys[at] = last;
    return lowest;
  }
}
