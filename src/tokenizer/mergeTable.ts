/**
 * The merges of a vocabulary by their pair of ids: a hash table, since real ones have hundreds of
 * thousands.
 */

/** A pair's rank, by which merges are ordered, and the id of what it becomes. */
export interface MergeTable {
  /** The place of a pair in `ranks` and `results`, or -1. */
  find(left: number, right: number): number;
  readonly ranks: Int32Array;
  readonly results: Int32Array;
}

/**
 * @param merges left id, right id, resulting id. Of a pair given twice the later one counts.
 * @param ranked the rank of each; default: their order. Of merges of one rank the leftmost in the
 * text goes first.
 */
export function mergeTable(
  merges: readonly (readonly [number, number, number])[],
  ranked?: ArrayLike<number> | null,
): MergeTable {
  const size = 2 ** Math.ceil(Math.log2(2 * merges.length + 2));
  const lefts = new Int32Array(size).fill(-1);
  const rights = new Int32Array(size);
  const ranks = new Int32Array(size);
  const results = new Int32Array(size);
  const slotOf = (left: number, right: number): number => {
    let slot = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    slot = (slot ^ (slot >>> 15)) & (size - 1);
    while (lefts[slot] >= 0 && (lefts[slot] !== left || rights[slot] !== right)) slot = (slot + 1) & (size - 1);
    return slot;
  };
  for (const [rank, [left, right, result]] of merges.entries()) {
    const slot = slotOf(left, right);
    lefts[slot] = left;
    rights[slot] = right;
    ranks[slot] = ranked?.[rank] ?? rank;
    results[slot] = result;
  }
  return {
    find(left, right) {
      const slot = slotOf(left, right);
      return lefts[slot] < 0 ? -1 : slot;
    },
    ranks,
    results,
  };
}
