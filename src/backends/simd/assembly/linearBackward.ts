/**
 * dW = dyᵀ x, by the tiles of `linear`: x packed as its panels, dyᵀ as its rows. Sums over rows are
 * cut as those over k are in `linear`: a running sum over each 256 rows, and those sums added up in
 * order.
 */
import { K_GROUP, multiplyCut } from './linear';
import { packRows, transpose } from './panels';

/**
 * Columns of dy transposed at a time; with K_GROUP rows they are 24 KiB and stay in L1 while the
 * panels stream by.
 */
const COLUMN_GROUP: i32 = 24;
/** Rows packed at a time: few enough that they stay in L1 while panel after panel is written. */
const PACK_ROWS: i32 = 16;

/**
 * Rows of x [R, columns] into cuts of 256 rows, each as panels: [⌈R/256⌉][⌈columns/8⌉][256][8]. A
 * cut's panels lie side by side, so that they do not compete for the same sets of a cache. Ranges
 * begin at multiples of 16 rows.
 */
export function packCuts(panels: usize, x: usize, columns: i32, rowFrom: i32, rowTo: i32): void {
  for (let row = rowFrom; row < rowTo; row += PACK_ROWS) {
    const rows = min(PACK_ROWS, rowTo - row);
    const at = cutOf(panels, row, columns) + (<usize>(row % K_GROUP) << 5);
    packRows(at, K_GROUP << 5, x + (<usize>(row * columns) << 2), <usize>columns << 2, rows, columns);
  }
}

/** Rows rowFrom ≤ r < rowTo of dW [outFeatures, inFeatures]; `scratch` holds 24 · 256 floats. */
export function linearBackwardWeight(
  dw: usize,
  dy: usize,
  panels: usize,
  scratch: usize,
  rows: i32,
  outFeatures: i32,
  inFeatures: i32,
  rowFrom: i32,
  rowTo: i32,
): void {
  const dyStride = <usize>outFeatures << 2;
  for (let from = 0; from < rows; from += K_GROUP) {
    const length = min(K_GROUP, rows - from);
    const cut = cutOf(panels, from, inFeatures);
    for (let group = rowFrom; group < rowTo; group += COLUMN_GROUP) {
      const count = min(COLUMN_GROUP, rowTo - group);
      transpose(scratch, K_GROUP << 2, dy + (<usize>(from * outFeatures + group) << 2), dyStride, length, count);
      const to = dw + (<usize>(group * inFeatures) << 2);
      multiplyCut(to, inFeatures, scratch, K_GROUP, cut, K_GROUP << 5, 0, length, inFeatures, count, from > 0);
    }
  }
}

/** Where the panels of the cut that begins at or holds `row` begin. */
// @ts-ignore: decorator
@inline
function cutOf(panels: usize, row: i32, columns: i32): usize {
  return panels + (<usize>((row / K_GROUP) * ((columns + 7) & ~7) * K_GROUP) << 2);
}
