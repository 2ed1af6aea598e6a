/** Side of the square tile that is turned at a time: its rows and columns fit a cache together. */
const TILE = 32;

/** A row-major matrix [rows, cols] as [cols, rows]. */
export function transpose(data: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let top = 0; top < rows; top += TILE) {
    for (let left = 0; left < cols; left += TILE) {
      const bottom = Math.min(rows, top + TILE);
      const right = Math.min(cols, left + TILE);
      for (let i = top; i < bottom; i++) for (let j = left; j < right; j++) out[j * rows + i] = data[i * cols + j];
    }
  }
  return out;
}
