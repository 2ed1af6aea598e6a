import { tile6x16, tile6x8 } from './linearTiles.generated';
import { store8 } from './stores';
import { fma } from './vector';

/**
 * y = x Wᵀ + bias, the kernel nearly all time is spent in.
 *
 * W is packed once into panels of 8 output columns, [⌈N/8⌉][K][8], zero-padded at the right. The
 * micro-kernel holds a tile of 6 rows × 8 columns in 12 vector registers and walks k once: 2 panel
 * loads and 6 broadcasts feed 12 fused multiply-adds. Rows are taken 24 and k 256 at a time: the
 * rows' part, 24 KiB, and a panel's, 8 KiB, stay in L1 while the panels stream by (the loop order
 * of Goto & van de Geijn 2008).
 *
 * Every output element is the same sum whatever the tile it falls into, so that a row's result does
 * not depend on how many rows are stacked or how they are split over threads: a running sum over
 * each 256 of k, and those sums added up in order. Without the cut, one huge activation early in a
 * row (real models have them) would round all that follows to its own last digit.
 */

const ROW_GROUP: i32 = 24;
/** Terms a running sum has; the sums are then added up in order. */
export const K_GROUP: i32 = 256;

/**
 * How many lanes a vector of the machine has: 4, or 8 where the engine joins two of ours
 * (../lanes.ts). The host sets it.
 */
export let lanes: i32 = 4;

/**
 * Rows rowFrom ≤ r < rowTo of out [R, N] (row stride ldo) from x [R, K] (row stride ldx); bias 0 =
 * none.
 */
export function linear(
  out: usize,
  ldo: i32,
  x: usize,
  ldx: i32,
  panels: usize,
  bias: usize,
  k: i32,
  n: i32,
  rowFrom: i32,
  rowTo: i32,
): void {
  multiply(out, ldo, x, ldx, panels, <usize>k << 5, bias, k, n, rowFrom, rowTo);
}

/** The same where a panel takes `panelBytes`: its first k rows are used. */
export function multiply(
  out: usize,
  ldo: i32,
  x: usize,
  ldx: i32,
  panels: usize,
  panelBytes: usize,
  bias: usize,
  k: i32,
  n: i32,
  rowFrom: i32,
  rowTo: i32,
): void {
  for (let row = rowFrom; row < rowTo; row += ROW_GROUP) {
    const rows = min(ROW_GROUP, rowTo - row);
    const to = out + (<usize>(row * ldo) << 2);
    for (let from = 0; from < k; from += K_GROUP) {
      const length = min(K_GROUP, k - from);
      const source = x + (<usize>(row * ldx + from) << 2);
      const lastBias = from + length == k ? bias : 0;
      multiplyCut(to, ldo, source, ldx, panels + (<usize>from << 5), panelBytes, lastBias, length, n, rows, from > 0);
    }
  }
}

/**
 * The same for a cut of k, at most K_GROUP long, and few rows: out is it, or `added` to it, plus
 * the bias where one is given.
 */
export function multiplyCut(
  out: usize,
  ldo: i32,
  x: usize,
  ldx: i32,
  panels: usize,
  panelBytes: usize,
  bias: usize,
  k: i32,
  n: i32,
  rows: i32,
  added: bool,
): void {
  const outStride = <usize>ldo << 2;
  const xStride = <usize>ldx << 2;
  let column = 0;
  for (const end = lanes == 8 && rows > 1 ? n & ~15 : 0; column < end; column += 16) {
    const panel = panels + <usize>(column >> 3) * panelBytes;
    const panelBias = bias ? bias + (<usize>column << 2) : 0;
    for (let row = 0; row < rows; row += 6) {
      const to = out + <usize>row * outStride + (<usize>column << 2);
      const source = x + <usize>row * xStride;
      tile6x16(to, outStride, source, xStride, panel, panel + panelBytes, panelBias, k, min(6, rows - row), added);
    }
  }
  for (; column < n; column += 8) {
    const panel = panels + <usize>(column >> 3) * panelBytes;
    const columns = min(8, n - column);
    const panelBias = bias ? bias + (<usize>column << 2) : 0;
    for (let row = 0; row < rows; row += 6) {
      const count = min(6, rows - row);
      const to = out + <usize>row * outStride + (<usize>column << 2);
      const source = x + <usize>row * xStride;
      if (count == 1) tile1x8(to, source, panel, panelBias, k, columns, added);
      else tile6x8(to, outStride, source, xStride, panel, panelBias, k, count, columns, added);
    }
  }
}

/** One row of tile6x8: the same sums in the same order. */
export function tile1x8(out: usize, x: usize, panel: usize, bias: usize, k: i32, columns: i32, added: bool): void {
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  const end = x + (<usize>k << 2);
  while (x < end) {
    const a = v128.load32_splat(x);
    c0 = fma(a, v128.load(panel), c0);
    c1 = fma(a, v128.load(panel, 16), c1);
    x += 4;
    panel += 32;
  }
  store8(out, c0, c1, bias, columns, added);
}
