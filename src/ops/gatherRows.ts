/**
 * Looks rows up in a table: the embedding of tokens, and of positions where they are learned. For
 * training, where the table lies on the backend; inference reads single rows from the file.
 *
 * Shapes: table [V, cols], ids [n] → out [n, cols].
 *
 * Formula: out[r] = table[ids_r].
 *
 * Numerics: a copy, bit for bit. out must not overlap the table.
 *
 * Reference: Bengio et al. 2003, A Neural Probabilistic Language Model, §2 (the matrix C).
 */
import type { Floats } from './floats.ts';

export function gatherRows(out: Floats, table: Floats, ids: Int32Array, cols: number): void {
  for (const [row, id] of ids.entries()) out.set(table.subarray(id * cols, (id + 1) * cols), row * cols);
}
