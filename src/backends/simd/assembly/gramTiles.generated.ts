// Made by `npm run build:kernels` from ./tileTemplate.ts. Do not edit.
import { multiplyAdd, storeDoubles } from './doubles';

/** Six rows of a panel, four columns, in f64. */
export function tile6x4(
  out: usize,
  outStride: usize,
  x: usize,
  xStride: usize,
  panel: usize,
  k: i32,
  added: bool,
): void {
  let x0 = x;
  let x1 = x + 1 * xStride;
  let x2 = x + 2 * xStride;
  let x3 = x + 3 * xStride;
  let x4 = x + 4 * xStride;
  let x5 = x + 5 * xStride;
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  let c40 = f64x2.splat(0);
  let c41 = f64x2.splat(0);
  let c50 = f64x2.splat(0);
  let c51 = f64x2.splat(0);
  let b0: v128;
  let b1: v128;
  let a: v128;
  let remaining = k;
  while (remaining >= 4) {
    // k + 0
    b0 = v128.load(panel, 0);
    b1 = v128.load(panel, 16);
    a = v128.load64_splat(x0, 0);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = v128.load64_splat(x1, 0);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = v128.load64_splat(x2, 0);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = v128.load64_splat(x3, 0);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    a = v128.load64_splat(x4, 0);
    c40 = multiplyAdd(a, b0, c40);
    c41 = multiplyAdd(a, b1, c41);
    a = v128.load64_splat(x5, 0);
    c50 = multiplyAdd(a, b0, c50);
    c51 = multiplyAdd(a, b1, c51);
    // k + 1
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    a = v128.load64_splat(x0, 8);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = v128.load64_splat(x1, 8);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = v128.load64_splat(x2, 8);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = v128.load64_splat(x3, 8);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    a = v128.load64_splat(x4, 8);
    c40 = multiplyAdd(a, b0, c40);
    c41 = multiplyAdd(a, b1, c41);
    a = v128.load64_splat(x5, 8);
    c50 = multiplyAdd(a, b0, c50);
    c51 = multiplyAdd(a, b1, c51);
    // k + 2
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    a = v128.load64_splat(x0, 16);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = v128.load64_splat(x1, 16);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = v128.load64_splat(x2, 16);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = v128.load64_splat(x3, 16);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    a = v128.load64_splat(x4, 16);
    c40 = multiplyAdd(a, b0, c40);
    c41 = multiplyAdd(a, b1, c41);
    a = v128.load64_splat(x5, 16);
    c50 = multiplyAdd(a, b0, c50);
    c51 = multiplyAdd(a, b1, c51);
    // k + 3
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    a = v128.load64_splat(x0, 24);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = v128.load64_splat(x1, 24);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = v128.load64_splat(x2, 24);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = v128.load64_splat(x3, 24);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    a = v128.load64_splat(x4, 24);
    c40 = multiplyAdd(a, b0, c40);
    c41 = multiplyAdd(a, b1, c41);
    a = v128.load64_splat(x5, 24);
    c50 = multiplyAdd(a, b0, c50);
    c51 = multiplyAdd(a, b1, c51);
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    x4 += 32;
    x5 += 32;
    panel += 128;
    remaining -= 4;
  }
  while (remaining > 0) {
    b0 = v128.load(panel, 0);
    b1 = v128.load(panel, 16);
    a = v128.load64_splat(x0, 0);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = v128.load64_splat(x1, 0);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = v128.load64_splat(x2, 0);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = v128.load64_splat(x3, 0);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    a = v128.load64_splat(x4, 0);
    c40 = multiplyAdd(a, b0, c40);
    c41 = multiplyAdd(a, b1, c41);
    a = v128.load64_splat(x5, 0);
    c50 = multiplyAdd(a, b0, c50);
    c51 = multiplyAdd(a, b1, c51);
    x0 += 8;
    x1 += 8;
    x2 += 8;
    x3 += 8;
    x4 += 8;
    x5 += 8;
    panel += 32;
    remaining -= 1;
  }
  storeDoubles(out, c00, c01, added);
  storeDoubles(out + 1 * outStride, c10, c11, added);
  storeDoubles(out + 2 * outStride, c20, c21, added);
  storeDoubles(out + 3 * outStride, c30, c31, added);
  storeDoubles(out + 4 * outStride, c40, c41, added);
  storeDoubles(out + 5 * outStride, c50, c51, added);
}
