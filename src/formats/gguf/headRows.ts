/**
 * The order of rows in arch llama's q and k projections (and of elements in their biases). GGUF
 * files turn neighbouring pairs by RoPE, Hugging Face turns element i of a head with element i
 * + D/2, so the converter interleaves the halves: Hugging Face's row j·D/2 + i of a head (j = 0, 1)
 * is the file's row 2i + j.
 */

/** Where row `row` of a head, in Hugging Face's order, stands in the head's rows of the file. */
function placeInFile(row: number, headDim: number): number {
  const half = row < headDim / 2 ? 0 : 1;
  return 2 * (row - (half * headDim) / 2) + half;
}

/**
 * The file's rows in Hugging Face's order.
 * @param data whole heads, [heads·D, width]; a bias has width 1.
 */
export function unpermuteHeads(data: Float32Array, heads: number, width: number): Float32Array {
  const out = new Float32Array(data.length);
  const headDim = data.length / width / heads;
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < headDim; row++) {
      const from = (head * headDim + placeInFile(row, headDim)) * width;
      out.set(data.subarray(from, from + width), (head * headDim + row) * width);
    }
  }
  return out;
}

/**
 * Hugging Face's rows in the file's order: numbers, or the bytes of rows that are stored already.
 * @param data whole heads, [heads·D, width].
 */
export function interleaveHeads<T extends Float32Array | Uint8Array>(data: T, heads: number, width: number): T {
  const out = data.slice() as T;
  const headDim = data.length / width / heads;
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < headDim; row++) {
      const from = (head * headDim + row) * width;
      out.set(data.subarray(from, from + width), (head * headDim + placeInFile(row, headDim)) * width);
    }
  }
  return out;
}
