import { fma } from './vector';

/**
 * The tile of `linear` for engines that join pairs of vectors into ones of eight lanes: six rows of
 * two panels' parts, [6, 16], in 24 vectors that become 12 of the machine's. The operations come in
 * pairs on neighbouring addresses, which is what V8's revectorizer looks for: it starts from a pair
 * of stores and needs the same steps in the same order behind both, down to the loads, and one
 * constant that the sums begin from. Without it 24 sums do not fit the registers, and the tile is
 * slower than `tile6x8`. Each element is the same sum as there, in the same order.
 *
 * With fewer than six rows the last one is computed over again in their place; only `rows` are
 * stored. Eight of k a turn: four take a tenth longer, most of all where another program shares the
 * core; sixteen, a twentieth less, were not worth the text.
 */
export function tile6x16(
  out: usize,
  outStride: usize,
  x: usize,
  xStride: usize,
  left: usize,
  right: usize,
  bias: usize,
  k: i32,
  rows: i32,
  added: bool,
): void {
  const lastRow = x + <usize>(rows - 1) * xStride;
  let x0 = x;
  let x1 = min(x + 1 * xStride, lastRow);
  let x2 = min(x + 2 * xStride, lastRow);
  let x3 = min(x + 3 * xStride, lastRow);
  let x4 = min(x + 4 * xStride, lastRow);
  let x5 = min(x + 5 * xStride, lastRow);
  const zero = f32x4.splat(0);
  let c00 = zero;
  let c01 = zero;
  let c02 = zero;
  let c03 = zero;
  let c10 = zero;
  let c11 = zero;
  let c12 = zero;
  let c13 = zero;
  let c20 = zero;
  let c21 = zero;
  let c22 = zero;
  let c23 = zero;
  let c30 = zero;
  let c31 = zero;
  let c32 = zero;
  let c33 = zero;
  let c40 = zero;
  let c41 = zero;
  let c42 = zero;
  let c43 = zero;
  let c50 = zero;
  let c51 = zero;
  let c52 = zero;
  let c53 = zero;
  let b0: v128;
  let b1: v128;
  let b2: v128;
  let b3: v128;
  let a: v128;
  let remaining = k;
  while (remaining >= 8) {
    // k + 0
    b0 = v128.load(left, 0);
    b1 = v128.load(left, 16);
    b2 = v128.load(right, 0);
    b3 = v128.load(right, 16);
    a = v128.load32_splat(x0, 0);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 0);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 0);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 0);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 0);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 0);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    // k + 1
    b0 = v128.load(left, 32);
    b1 = v128.load(left, 48);
    b2 = v128.load(right, 32);
    b3 = v128.load(right, 48);
    a = v128.load32_splat(x0, 4);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 4);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 4);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 4);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 4);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 4);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    // k + 2
    b0 = v128.load(left, 64);
    b1 = v128.load(left, 80);
    b2 = v128.load(right, 64);
    b3 = v128.load(right, 80);
    a = v128.load32_splat(x0, 8);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 8);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 8);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 8);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 8);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 8);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    // k + 3
    b0 = v128.load(left, 96);
    b1 = v128.load(left, 112);
    b2 = v128.load(right, 96);
    b3 = v128.load(right, 112);
    a = v128.load32_splat(x0, 12);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 12);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 12);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 12);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 12);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 12);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    // k + 4
    b0 = v128.load(left, 128);
    b1 = v128.load(left, 144);
    b2 = v128.load(right, 128);
    b3 = v128.load(right, 144);
    a = v128.load32_splat(x0, 16);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 16);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 16);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 16);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 16);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 16);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    // k + 5
    b0 = v128.load(left, 160);
    b1 = v128.load(left, 176);
    b2 = v128.load(right, 160);
    b3 = v128.load(right, 176);
    a = v128.load32_splat(x0, 20);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 20);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 20);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 20);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 20);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 20);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    // k + 6
    b0 = v128.load(left, 192);
    b1 = v128.load(left, 208);
    b2 = v128.load(right, 192);
    b3 = v128.load(right, 208);
    a = v128.load32_splat(x0, 24);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 24);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 24);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 24);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 24);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 24);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    // k + 7
    b0 = v128.load(left, 224);
    b1 = v128.load(left, 240);
    b2 = v128.load(right, 224);
    b3 = v128.load(right, 240);
    a = v128.load32_splat(x0, 28);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 28);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 28);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 28);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 28);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 28);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    x4 += 32;
    x5 += 32;
    left += 256;
    right += 256;
    remaining -= 8;
  }
  while (remaining > 0) {
    b0 = v128.load(left, 0);
    b1 = v128.load(left, 16);
    b2 = v128.load(right, 0);
    b3 = v128.load(right, 16);
    a = v128.load32_splat(x0, 0);
    c00 = fma(a, b0, c00);
    c01 = fma(a, b1, c01);
    c02 = fma(a, b2, c02);
    c03 = fma(a, b3, c03);
    a = v128.load32_splat(x1, 0);
    c10 = fma(a, b0, c10);
    c11 = fma(a, b1, c11);
    c12 = fma(a, b2, c12);
    c13 = fma(a, b3, c13);
    a = v128.load32_splat(x2, 0);
    c20 = fma(a, b0, c20);
    c21 = fma(a, b1, c21);
    c22 = fma(a, b2, c22);
    c23 = fma(a, b3, c23);
    a = v128.load32_splat(x3, 0);
    c30 = fma(a, b0, c30);
    c31 = fma(a, b1, c31);
    c32 = fma(a, b2, c32);
    c33 = fma(a, b3, c33);
    a = v128.load32_splat(x4, 0);
    c40 = fma(a, b0, c40);
    c41 = fma(a, b1, c41);
    c42 = fma(a, b2, c42);
    c43 = fma(a, b3, c43);
    a = v128.load32_splat(x5, 0);
    c50 = fma(a, b0, c50);
    c51 = fma(a, b1, c51);
    c52 = fma(a, b2, c52);
    c53 = fma(a, b3, c53);
    x0 += 4;
    x1 += 4;
    x2 += 4;
    x3 += 4;
    x4 += 4;
    x5 += 4;
    left += 32;
    right += 32;
    remaining -= 1;
  }
  store16(out, c00, c01, c02, c03, bias, added);
  if (rows > 1) store16(out + 1 * outStride, c10, c11, c12, c13, bias, added);
  if (rows > 2) store16(out + 2 * outStride, c20, c21, c22, c23, bias, added);
  if (rows > 3) store16(out + 3 * outStride, c30, c31, c32, c33, bias, added);
  if (rows > 4) store16(out + 4 * outStride, c40, c41, c42, c43, bias, added);
  if (rows > 5) store16(out + 5 * outStride, c50, c51, c52, c53, bias, added);
}

/** Stores sixteen results: `added` to what is there, and with the bias where it is given. */
// @ts-ignore: decorator
@inline
function store16(out: usize, c0: v128, c1: v128, c2: v128, c3: v128, bias: usize, added: bool): void {
  if (added) {
    c0 = f32x4.add(v128.load(out), c0);
    c1 = f32x4.add(v128.load(out, 16), c1);
    c2 = f32x4.add(v128.load(out, 32), c2);
    c3 = f32x4.add(v128.load(out, 48), c3);
  }
  if (bias) {
    c0 = f32x4.add(c0, v128.load(bias));
    c1 = f32x4.add(c1, v128.load(bias, 16));
    c2 = f32x4.add(c2, v128.load(bias, 32));
    c3 = f32x4.add(c3, v128.load(bias, 48));
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
  v128.store(out, c2, 32);
  v128.store(out, c3, 48);
}
