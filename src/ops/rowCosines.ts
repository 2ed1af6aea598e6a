/**
 * The cosine of the angle between each row of x and the same row of y: how much a block turns the
 * residual stream.
 *
 * Shapes: x [rows, cols], y [rows, cols] → out [rows].
 *
 * Formula: out_r = (x_r · y_r) / √((x_r · x_r)(y_r · y_r)). The formula is 0/0 where a row is all
 * zeros. Then out_r is 1 if both rows are (they are equal: nothing was turned), and 0 if one is (it
 * has no direction to share).
 *
 * Numerics: f64 accumulation; the three sums are of exact products. out_r lies in [−1, 1]; it is
 * exactly 1 where the rows are equal and −1 where they are opposite. A NaN or an infinity in either
 * row makes it NaN.
 *
 * Reference: Men et al. 2024, ShortGPT, eq. 1: a layer's Block Influence is 1 − the mean of these.
 * Its code puts 0.5 for every row that is not a number, a NaN in the model included.
 */
import { dot } from './dot.ts';
import type { Floats } from './floats.ts';

export function rowCosines(out: Floats, x: Floats, y: Floats, rows: number, cols: number): void {
  for (let row = 0; row < rows; row++) {
    const at = row * cols;
    const xx = dot(x, at, x, at, cols);
    const yy = dot(y, at, y, at, cols);
    out[row] = cosine(dot(x, at, y, at, cols), xx, yy);
  }
}

/** √(xx · yy) and not √xx · √yy: the root of a square is exact, so that equal rows give 1. */
function cosine(xy: number, xx: number, yy: number): number {
  const squares = xx * yy;
  if (squares === 0) return xx === yy ? 1 : 0;
  return Math.max(-1, Math.min(1, xy / Math.sqrt(squares)));
}
