import { highHalf, lowHalf, multiplyAdd, sumDoubles } from './doubles';
import { tile6x4 } from './gramTiles.generated';

/**
 * Sums over activations, in f64. A product of two f32 has at most 48 significant bits and is exact
 * in f64, so only the sums round; and so it is the same whether a multiply-add is fused or not.
 */

/** Rows of x that `gram` packs and multiplies at a time; GRAM_CUT of ../simdStatistics.ts. */
const CUT: i32 = 128;
/** Bytes of a packed column of a cut. */
const COLUMN: usize = (<usize>CUT) << 3;
/** Rows of the result whose packed columns stay in L1 while panels stream by. */
const ROW_GROUP: i32 = 24;

/**
 * Σ_r x[r, c]² for columns from ≤ c < to of x [rows, columns]. `sums` holds an f64 for each of
 * them.
 */
export function columnSquares(
  out: usize,
  x: usize,
  sums: usize,
  columns: i32,
  rows: i32,
  from: i32,
  to: i32,
): void {
  const count = to - from;
  memory.fill(sums, 0, <usize>count << 3);
  for (let row = 0; row < rows; row++) {
    const source = x + (<usize>(row * columns + from) << 2);
    let i = 0;
    for (; i + 4 <= count; i += 4) {
      const values = v128.load(source + (<usize>i << 2));
      const at = sums + (<usize>i << 3);
      const low = lowHalf(values);
      const high = highHalf(values);
      v128.store(at, multiplyAdd(low, low, v128.load(at)));
      v128.store(at, multiplyAdd(high, high, v128.load(at, 16)), 16);
    }
    for (; i < count; i++) {
      const value = <f64>load<f32>(source + (<usize>i << 2));
      const at = sums + (<usize>i << 3);
      store<f64>(at, load<f64>(at) + value * value);
    }
  }
  for (let i = 0; i < count; i++) {
    store<f32>(out + (<usize>(from + i) << 2), <f32>load<f64>(sums + (<usize>i << 3)));
  }
}

/** The cosines of rows rowFrom ≤ r < rowTo of x and y [R, columns]. */
export function rowCosines(out: usize, x: usize, y: usize, columns: i32, rowFrom: i32, rowTo: i32): void {
  for (let row = rowFrom; row < rowTo; row++) {
    const at = <usize>(row * columns) << 2;
    store<f32>(out + (<usize>row << 2), <f32>cosine(x + at, y + at, columns));
  }
}

function cosine(x: usize, y: usize, length: i32): f64 {
  let xyLow = f64x2.splat(0);
  let xyHigh = f64x2.splat(0);
  let xxLow = f64x2.splat(0);
  let xxHigh = f64x2.splat(0);
  let yyLow = f64x2.splat(0);
  let yyHigh = f64x2.splat(0);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const a = v128.load(x + (<usize>i << 2));
    const b = v128.load(y + (<usize>i << 2));
    const aLow = lowHalf(a);
    const aHigh = highHalf(a);
    const bLow = lowHalf(b);
    const bHigh = highHalf(b);
    xyLow = multiplyAdd(aLow, bLow, xyLow);
    xyHigh = multiplyAdd(aHigh, bHigh, xyHigh);
    xxLow = multiplyAdd(aLow, aLow, xxLow);
    xxHigh = multiplyAdd(aHigh, aHigh, xxHigh);
    yyLow = multiplyAdd(bLow, bLow, yyLow);
    yyHigh = multiplyAdd(bHigh, bHigh, yyHigh);
  }
  let xy = sumDoubles(xyLow, xyHigh);
  let xx = sumDoubles(xxLow, xxHigh);
  let yy = sumDoubles(yyLow, yyHigh);
  for (; i < length; i++) {
    const a = <f64>load<f32>(x + (<usize>i << 2));
    const b = <f64>load<f32>(y + (<usize>i << 2));
    xy += a * b;
    xx += a * a;
    yy += b * b;
  }
  // As src/ops/rowCosines.ts: the root of a square is exact, so that equal rows give 1.
  const squares = xx * yy;
  if (squares == 0) return xx == yy ? 1 : 0;
  return max<f64>(-1, min<f64>(1, xy / sqrt<f64>(squares)));
}

/**
 * Columns from ≤ c < to of `length` ≤ CUT rows of x [·, columns], widened to f64 for `gramCut`: as
 * rows of the transposed [width, CUT], and in panels of four [width/4, CUT, 4]. What lies beyond
 * x's last column is 0. Ranges begin at multiples of four columns.
 */
export function gramPack(
  transposed: usize,
  panels: usize,
  x: usize,
  columns: i32,
  length: i32,
  from: i32,
  to: i32,
): void {
  for (let column = from; column < to; column += 4) {
    let row = transposed + <usize>column * COLUMN;
    let panel = panels + <usize>column * COLUMN;
    for (let r = 0; r < length; r++) {
      const values = loadColumns(x + (<usize>(r * columns + column) << 2), columns - column);
      const low = lowHalf(values);
      const high = highHalf(values);
      v128.store(panel, low);
      v128.store(panel, high, 16);
      v128.store64_lane(row, low, 0);
      v128.store64_lane(row + COLUMN, low, 1);
      v128.store64_lane(row + 2 * COLUMN, high, 0);
      v128.store64_lane(row + 3 * COLUMN, high, 1);
      row += 8;
      panel += 32;
    }
  }
}

/**
 * sums [width, width], rows rowFrom ≤ r < rowTo, on and right of the diagonal: a cut's products,
 * `added` to what is there or in its place. Ranges begin at multiples of six rows.
 */
export function gramCut(
  sums: usize,
  transposed: usize,
  panels: usize,
  width: i32,
  length: i32,
  added: bool,
  rowFrom: i32,
  rowTo: i32,
): void {
  for (let group = rowFrom; group < rowTo; group += ROW_GROUP) {
    const groupEnd = min(group + ROW_GROUP, rowTo);
    for (let column = group & ~3; column < width; column += 4) {
      const panel = panels + <usize>column * COLUMN;
      // A tile that lies left of the diagonal as a whole is nobody's.
      for (let row = group; row < groupEnd && row < column + 4; row += 6) {
        const to = sums + (<usize>(row * width + column) << 3);
        tile6x4(to, <usize>width << 3, transposed + <usize>row * COLUMN, COLUMN, panel, length, added);
      }
    }
  }
}

/**
 * out [columns, columns], rows rowFrom ≤ r < rowTo: the sums [width, width], rounded, and mirrored
 * at the diagonal.
 */
export function gramRound(out: usize, sums: usize, columns: i32, width: i32, rowFrom: i32, rowTo: i32): void {
  for (let row = rowFrom; row < rowTo; row++) {
    for (let column = 0; column < columns; column++) {
      const at = column < row ? column * width + row : row * width + column;
      store<f32>(out + (<usize>(row * columns + column) << 2), <f32>load<f64>(sums + (<usize>at << 3)));
    }
  }
}

/** Four numbers, or the first `count` and zeros. */
// @ts-ignore: decorator
@inline
function loadColumns(at: usize, count: i32): v128 {
  if (count >= 4) return v128.load(at);
  let values = f32x4.splat(0);
  if (count > 0) values = f32x4.replace_lane(values, 0, load<f32>(at));
  if (count > 1) values = f32x4.replace_lane(values, 1, load<f32>(at, 4));
  if (count > 2) values = f32x4.replace_lane(values, 2, load<f32>(at, 8));
  return values;
}
