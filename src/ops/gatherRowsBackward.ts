/**
 * The backward of gatherRows: every row of the table gets the sum of what its uses got.
 *
 * Shapes: dy [n, cols], ids [n] → dTable [V, cols].
 *
 * Formula: dTable[v] = Σ_{r: ids_r = v} dy[r]; rows nobody looked up are 0.
 *
 * Numerics: f64 accumulation in the order of the rows, one rounding. dTable must not overlap dy.
 *
 * Reference: Bengio et al. 2003, A Neural Probabilistic Language Model, §3.
 */
import type { Floats } from './floats.ts';

export function gatherRowsBackward(dTable: Floats, dy: Floats, ids: Int32Array, cols: number): void {
  const sums = new Float64Array(dTable.length);
  for (const [row, id] of ids.entries()) {
    for (let i = 0; i < cols; i++) sums[id * cols + i] += dy[row * cols + i];
  }
  dTable.set(sums);
}
