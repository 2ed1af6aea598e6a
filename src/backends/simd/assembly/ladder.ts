import { fma, sumLanes } from './vector';

/**
 * The rungs below `linear`, kept to be read, checked and timed (docs/internals/kernels.md): each
 * computes y = x Wᵀ with W [N, K] as it is stored, row-major, and is faster than the one before it
 * by one idea.
 */

/** Rung 1: three loops over single numbers. */
export function linearScalar(out: usize, x: usize, w: usize, k: i32, n: i32, rowFrom: i32, rowTo: i32): void {
  for (let row = rowFrom; row < rowTo; row++) {
    for (let column = 0; column < n; column++) {
      const a = x + (<usize>(row * k) << 2);
      const b = w + (<usize>(column * k) << 2);
      let sum: f32 = 0;
      for (let i = 0; i < k; i++) sum += load<f32>(a + (<usize>i << 2)) * load<f32>(b + (<usize>i << 2));
      store<f32>(out + (<usize>(row * n + column) << 2), sum);
    }
  }
}

/**
 * Rung 2: four numbers at a time. Two loads feed each multiply-add, and each waits for the one
 * before it.
 */
export function linearVector(out: usize, x: usize, w: usize, k: i32, n: i32, rowFrom: i32, rowTo: i32): void {
  for (let row = rowFrom; row < rowTo; row++) {
    for (let column = 0; column < n; column++) {
      const a = x + (<usize>(row * k) << 2);
      const b = w + (<usize>(column * k) << 2);
      store<f32>(out + (<usize>(row * n + column) << 2), dot(a, b, k));
    }
  }
}

/**
 * Rung 3: a tile of 2 rows × 4 columns: six loads feed eight multiply-adds, which do not wait for
 * each other.
 */
export function linearTiled(out: usize, x: usize, w: usize, k: i32, n: i32, rowFrom: i32, rowTo: i32): void {
  const stride = <usize>k << 2;
  const columns = n & ~3;
  let row = rowFrom;
  for (; row + 2 <= rowTo; row += 2) {
    const a = x + <usize>row * stride;
    for (let column = 0; column < columns; column += 4) {
      tile2x4(out + (<usize>(row * n + column) << 2), <usize>n << 2, a, w + <usize>column * stride, stride, k);
    }
  }
  linearVector(out, x, w, k, n, row, rowTo);
  for (let r = rowFrom; r < row; r++) {
    for (let column = columns; column < n; column++) {
      const sum = dot(x + <usize>r * stride, w + <usize>column * stride, k);
      store<f32>(out + (<usize>(r * n + column) << 2), sum);
    }
  }
}

function dot(a: usize, b: usize, k: i32): f32 {
  let sums = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= k; i += 4) {
    const at = <usize>i << 2;
    sums = fma(v128.load(a + at), v128.load(b + at), sums);
  }
  return sumLanes(sums) + rest(a, b, i, k);
}

function rest(a: usize, b: usize, from: i32, k: i32): f32 {
  let sum: f32 = 0;
  for (let i = from; i < k; i++) sum += load<f32>(a + (<usize>i << 2)) * load<f32>(b + (<usize>i << 2));
  return sum;
}

function tile2x4(out: usize, outStride: usize, a: usize, w: usize, stride: usize, k: i32): void {
  const a1 = a + stride;
  const w1 = w + stride;
  const w2 = w1 + stride;
  const w3 = w2 + stride;
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c02 = f32x4.splat(0);
  let c03 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c12 = f32x4.splat(0);
  let c13 = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= k; i += 4) {
    const at = <usize>i << 2;
    const x0 = v128.load(a + at);
    const x1 = v128.load(a1 + at);
    let b = v128.load(w + at);
    c00 = fma(x0, b, c00);
    c10 = fma(x1, b, c10);
    b = v128.load(w1 + at);
    c01 = fma(x0, b, c01);
    c11 = fma(x1, b, c11);
    b = v128.load(w2 + at);
    c02 = fma(x0, b, c02);
    c12 = fma(x1, b, c12);
    b = v128.load(w3 + at);
    c03 = fma(x0, b, c03);
    c13 = fma(x1, b, c13);
  }
  store<f32>(out, sumLanes(c00) + rest(a, w, i, k));
  store<f32>(out, sumLanes(c01) + rest(a, w1, i, k), 4);
  store<f32>(out, sumLanes(c02) + rest(a, w2, i, k), 8);
  store<f32>(out, sumLanes(c03) + rest(a, w3, i, k), 12);
  out += outStride;
  store<f32>(out, sumLanes(c10) + rest(a1, w, i, k));
  store<f32>(out, sumLanes(c11) + rest(a1, w1, i, k), 4);
  store<f32>(out, sumLanes(c12) + rest(a1, w2, i, k), 8);
  store<f32>(out, sumLanes(c13) + rest(a1, w3, i, k), 12);
}
