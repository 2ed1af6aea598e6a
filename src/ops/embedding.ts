/**
 * Looks up each token's vector: where the residual stream begins.
 *
 * Shapes: table [V, cols], ids [rows] → out [rows, cols]. Every id is in 0 … V − 1.
 *
 * Formula: out[r, c] = table[ids[r], c].
 *
 * Numerics: a copy, bit for bit. out must not overlap the table.
 *
 * Reference: Bengio et al. 2003, A Neural Probabilistic Language Model, §2.
 */
export function embedding(out: Float32Array, table: Float32Array, ids: Int32Array, rows: number, cols: number): void {
  for (let row = 0; row < rows; row++) {
    out.set(table.subarray(ids[row] * cols, (ids[row] + 1) * cols), row * cols);
  }
}
