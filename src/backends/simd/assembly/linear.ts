import { fma } from './vector';
import { tile6x16 } from './wideTile';

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

/**
 * Up to six rows of a panel's part. With fewer rows the last one is computed over again in their
 * place, which is faster than row by row; only `rows` are stored. Eight of k a turn: of four,
 * counting and moving on are a tenth of the instructions.
 */
export function tile6x8(
  out: usize,
  outStride: usize,
  x: usize,
  xStride: usize,
  panel: usize,
  bias: usize,
  k: i32,
  rows: i32,
  columns: i32,
  added: bool,
): void {
  const lastRow = x + <usize>(rows - 1) * xStride;
  let x0 = x;
  let x1 = min(x + 1 * xStride, lastRow);
  let x2 = min(x + 2 * xStride, lastRow);
  let x3 = min(x + 3 * xStride, lastRow);
  let x4 = min(x + 4 * xStride, lastRow);
  let x5 = min(x + 5 * xStride, lastRow);
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0);
  let c51 = f32x4.splat(0);
  let b0: v128;
  let b1: v128;
  let a: v128;
  let left = k;
  while (left >= 8) {
    // k + 0
    b0 = v128.load(panel, 0);
    b1 = v128.load(panel, 16);
    a = v128.load32_splat(x0, 0);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 0);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 0);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 0);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 0);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 0);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    // k + 1
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    a = v128.load32_splat(x0, 4);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 4);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 4);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 4);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 4);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 4);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    // k + 2
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    a = v128.load32_splat(x0, 8);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 8);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 8);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 8);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 8);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 8);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    // k + 3
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    a = v128.load32_splat(x0, 12);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 12);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 12);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 12);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 12);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 12);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    // k + 4
    b0 = v128.load(panel, 128);
    b1 = v128.load(panel, 144);
    a = v128.load32_splat(x0, 16);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 16);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 16);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 16);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 16);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 16);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    // k + 5
    b0 = v128.load(panel, 160);
    b1 = v128.load(panel, 176);
    a = v128.load32_splat(x0, 20);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 20);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 20);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 20);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 20);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 20);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    // k + 6
    b0 = v128.load(panel, 192);
    b1 = v128.load(panel, 208);
    a = v128.load32_splat(x0, 24);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 24);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 24);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 24);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 24);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 24);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    // k + 7
    b0 = v128.load(panel, 224);
    b1 = v128.load(panel, 240);
    a = v128.load32_splat(x0, 28);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 28);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 28);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 28);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 28);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 28);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    x4 += 32;
    x5 += 32;
    panel += 256;
    left -= 8;
  }
  while (left > 0) {
    b0 = v128.load(panel, 0);
    b1 = v128.load(panel, 16);
    a = v128.load32_splat(x0, 0);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    a = v128.load32_splat(x1, 0);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    a = v128.load32_splat(x2, 0);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    a = v128.load32_splat(x3, 0);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    a = v128.load32_splat(x4, 0);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    a = v128.load32_splat(x5, 0);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    x0 += 4;
    x1 += 4;
    x2 += 4;
    x3 += 4;
    x4 += 4;
    x5 += 4;
    panel += 32;
    left -= 1;
  }
  store8(out, c00, c01, bias, columns, added);
  store8(out + 1 * outStride, c10, c11, bias, columns, added);
  if (rows > 2) store8(out + 2 * outStride, c20, c21, bias, columns, added);
  if (rows > 3) store8(out + 3 * outStride, c30, c31, bias, columns, added);
  if (rows > 4) store8(out + 4 * outStride, c40, c41, bias, columns, added);
  if (rows > 5) store8(out + 5 * outStride, c50, c51, bias, columns, added);
}

/** One row of the tile above: the same sums in the same order. */
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

/**
 * Stores the first `columns` (1 … 8) of eight results: `added` to what is there, and with the bias
 * where it is given.
 */
// @ts-ignore: decorator
@inline
function store8(out: usize, c0: v128, c1: v128, bias: usize, columns: i32, added: bool): void {
  if (columns < 8) {
    storeTail(out, c0, c1, bias, columns, added);
    return;
  }
  if (added) {
    c0 = f32x4.add(v128.load(out), c0);
    c1 = f32x4.add(v128.load(out, 16), c1);
  }
  if (bias) {
    c0 = f32x4.add(c0, v128.load(bias));
    c1 = f32x4.add(c1, v128.load(bias, 16));
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
}

function storeTail(out: usize, c0: v128, c1: v128, bias: usize, columns: i32, added: bool): void {
  for (let i = 0; i < columns; i++) {
    let value = f32x4.extract_lane(i < 4 ? c0 : c1, 0);
    if (added) value = load<f32>(out) + value;
    if (bias) value += load<f32>(bias + (<usize>i << 2));
    store<f32>(out, value);
    out += 4;
    // Rotate the next lane into place.
    if (i < 4) c0 = v128.shuffle<u32>(c0, c0, 1, 2, 3, 0);
    else c1 = v128.shuffle<u32>(c1, c1, 1, 2, 3, 0);
  }
}
