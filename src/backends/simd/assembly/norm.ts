/**
 * RMSNorm and LayerNorm, row by row. Sums run in f64 (two lanes at a time): the rows are short, the
 * cost is nothing beside the projections, and a row with one huge outlier keeps its digits.
 */

/**
 * Beyond these deviations their inverse, or the difference of two numbers, leaves the range of
 * f32's normal numbers.
 */
const SMALL: f64 = 1e-37;
const LARGE: f64 = 1e37;

export function rmsNorm(out: usize, x: usize, weight: usize, columns: i32, eps: f64, rowFrom: i32, rowTo: i32): void {
  const bytes = (<usize>columns) << 2;
  for (let row = rowFrom; row < rowTo; row++) {
    const from = x + <usize>row * bytes;
    const deviation = sqrt(centredSquares(from, columns, 0) / <f64>columns + eps);
    normalise(out + <usize>row * bytes, from, weight, 0, columns, 0, deviation);
  }
}

export function layerNorm(
  out: usize,
  x: usize,
  weight: usize,
  bias: usize,
  columns: i32,
  eps: f64,
  rowFrom: i32,
  rowTo: i32,
): void {
  const bytes = (<usize>columns) << 2;
  for (let row = rowFrom; row < rowTo; row++) {
    const from = x + <usize>row * bytes;
    const mean = sum(from, columns) / <f64>columns;
    const deviation = sqrt(centredSquares(from, columns, mean) / <f64>columns + eps);
    normalise(out + <usize>row * bytes, from, weight, bias, columns, mean, deviation);
  }
}

export function sum(x: usize, columns: i32): f64 {
  let total = f64x2.splat(0);
  let i = 0;
  for (; i + 2 <= columns; i += 2) {
    total = f64x2.add(total, f64x2.promote_low_f32x4(v128.load64_zero(x + ((<usize>i) << 2))));
  }
  let result = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  for (; i < columns; i++) result += <f64>load<f32>(x + ((<usize>i) << 2));
  return result;
}

export function centredSquares(x: usize, columns: i32, mean: f64): f64 {
  const mean2 = f64x2.splat(mean);
  let total = f64x2.splat(0);
  let i = 0;
  for (; i + 2 <= columns; i += 2) {
    const d = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(x + ((<usize>i) << 2))), mean2);
    total = f64x2.add(total, f64x2.mul(d, d));
  }
  let result = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  for (; i < columns; i++) {
    const d = <f64>load<f32>(x + ((<usize>i) << 2)) - mean;
    result += d * d;
  }
  return result;
}

/** (x − mean) / deviation · weight + bias: in f32 where its range allows. */
function normalise(
  out: usize,
  x: usize,
  weight: usize,
  bias: usize,
  columns: i32,
  mean: f64,
  deviation: f64,
): void {
  if (deviation < SMALL || deviation > LARGE) scaleExactly(out, x, weight, bias, columns, mean, 1.0 / deviation);
  else scaleRow(out, x, weight, bias, columns, mean, <f32>(1.0 / deviation));
}

/** The same in f64, rounded once. */
function scaleExactly(
  out: usize,
  x: usize,
  weight: usize,
  bias: usize,
  columns: i32,
  mean: f64,
  scale: f64,
): void {
  for (let i = 0; i < columns; i++) {
    const at = (<usize>i) << 2;
    let y = (<f64>load<f32>(x + at) - mean) * scale * <f64>load<f32>(weight + at);
    if (bias) y += <f64>load<f32>(bias + at);
    store<f32>(out + at, <f32>y);
  }
}

/**
 * (x − mean) · scale · weight + bias; the difference is taken in f64, where a large mean would eat
 * the digits.
 */
function scaleRow(out: usize, x: usize, weight: usize, bias: usize, columns: i32, mean: f64, scale: f32): void {
  const vectors = mean == 0 ? columns & ~3 : 0;
  const scale4 = f32x4.splat(scale);
  let i = 0;
  for (; i < vectors; i += 4) {
    const at = (<usize>i) << 2;
    let y = f32x4.mul(f32x4.mul(v128.load(x + at), scale4), v128.load(weight + at));
    if (bias) y = f32x4.add(y, v128.load(bias + at));
    v128.store(out + at, y);
  }
  for (; i < columns; i++) {
    const at = (<usize>i) << 2;
    let y = <f32>(<f64>load<f32>(x + at) - mean) * scale * load<f32>(weight + at);
    if (bias) y += load<f32>(bias + at);
    store<f32>(out + at, y);
  }
}
