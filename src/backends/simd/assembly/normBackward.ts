import { centredSquares, sum } from './norm';
import { CUT_ROWS, addRow } from './sums';

/**
 * The backwards of RMSNorm and LayerNorm. With x̂ the normed row before its weight, s = 1 / rms or
 * 1 / deviation, and g = dy ∘ weight:
 *
 *     RMSNorm    dx = s (g − x̂ · mean(g ∘ x̂))              dWeight = Σ_rows dy ∘ x̂
 *     LayerNorm  dx = s (g − mean(g) − x̂ · mean(g ∘ x̂))    dWeight = Σ_rows dy ∘ x̂
 *                dBias = Σ_rows dy
 *
 * Sums along a row run in f64, as in the forward kernels. Units are cuts of 64 rows (sums.ts).
 */

export function rmsNormBackward(
  dx: usize,
  weightCuts: usize,
  dy: usize,
  x: usize,
  weight: usize,
  columns: i32,
  rows: i32,
  eps: f64,
  cutFrom: i32,
  cutTo: i32,
): void {
  const bytes = <usize>columns << 2;
  for (let cut = cutFrom; cut < cutTo; cut++) {
    const weightSums = weightCuts + <usize>cut * bytes;
    memory.fill(weightSums, 0, bytes);
    const end = min(rows, (cut + 1) * CUT_ROWS);
    for (let row = cut * CUT_ROWS; row < end; row++) {
      const at = <usize>row * bytes;
      const scale = 1.0 / sqrt(centredSquares(x + at, columns, 0) / <f64>columns + eps);
      const mean = (weightedDot(dy + at, weight, x + at, 0, columns) * scale) / <f64>columns;
      rmsNormRow(dx + at, weightSums, dy + at, x + at, weight, columns, <f32>scale, <f32>mean);
    }
  }
}

/** dx = scale · (dy ∘ weight − x̂ · mean), x̂ = x · scale; weightSums += dy ∘ x̂. */
function rmsNormRow(
  dx: usize,
  weightSums: usize,
  dy: usize,
  x: usize,
  weight: usize,
  columns: i32,
  scale: f32,
  mean: f32,
): void {
  const scale4 = f32x4.splat(scale);
  const mean4 = f32x4.splat(mean);
  let i = 0;
  for (; i + 4 <= columns; i += 4) {
    const at = <usize>i << 2;
    const slope = v128.load(dy + at);
    const normed = f32x4.mul(v128.load(x + at), scale4);
    const gradient = f32x4.sub(f32x4.mul(slope, v128.load(weight + at)), f32x4.mul(normed, mean4));
    v128.store(dx + at, f32x4.mul(scale4, gradient));
    v128.store(weightSums + at, f32x4.add(v128.load(weightSums + at), f32x4.mul(slope, normed)));
  }
  for (; i < columns; i++) {
    const at = <usize>i << 2;
    const slope = load<f32>(dy + at);
    const normed = load<f32>(x + at) * scale;
    store<f32>(dx + at, scale * (slope * load<f32>(weight + at) - normed * mean));
    store<f32>(weightSums + at, load<f32>(weightSums + at) + slope * normed);
  }
}

export function layerNormBackward(
  dx: usize,
  weightCuts: usize,
  biasCuts: usize,
  dy: usize,
  x: usize,
  weight: usize,
  columns: i32,
  rows: i32,
  eps: f64,
  cutFrom: i32,
  cutTo: i32,
): void {
  const bytes = <usize>columns << 2;
  const width = <f64>columns;
  for (let cut = cutFrom; cut < cutTo; cut++) {
    const weightSums = weightCuts + <usize>cut * bytes;
    const biasSums = biasCuts + <usize>cut * bytes;
    memory.fill(weightSums, 0, bytes);
    memory.fill(biasSums, 0, bytes);
    const end = min(rows, (cut + 1) * CUT_ROWS);
    for (let row = cut * CUT_ROWS; row < end; row++) {
      const at = <usize>row * bytes;
      const mean = sum(x + at, columns) / width;
      const scale = 1.0 / sqrt(centredSquares(x + at, columns, mean) / width + eps);
      const gradientMean = dot(dy + at, weight, columns) / width;
      const slopeMean = (weightedDot(dy + at, weight, x + at, mean, columns) * scale) / width;
      layerNormRow(dx + at, weightSums, dy + at, x + at, weight, columns, mean, scale, gradientMean, slopeMean);
      addRow(biasSums, dy + at, columns);
    }
  }
}

/**
 * dx = scale · (dy ∘ weight − gradientMean − x̂ · slopeMean), x̂ = (x − mean) · scale, in f64;
 * weightSums += dy ∘ x̂.
 */
function layerNormRow(
  dx: usize,
  weightSums: usize,
  dy: usize,
  x: usize,
  weight: usize,
  columns: i32,
  mean: f64,
  scale: f64,
  gradientMean: f64,
  slopeMean: f64,
): void {
  for (let i = 0; i < columns; i++) {
    const at = <usize>i << 2;
    const slope = <f64>load<f32>(dy + at);
    const normed = (<f64>load<f32>(x + at) - mean) * scale;
    const gradient = slope * <f64>load<f32>(weight + at) - gradientMean - normed * slopeMean;
    store<f32>(dx + at, <f32>(scale * gradient));
    store<f32>(weightSums + at, load<f32>(weightSums + at) + <f32>(slope * normed));
  }
}

/** Σ a b in f64. */
function dot(a: usize, b: usize, length: i32): f64 {
  let total = f64x2.splat(0);
  let i = 0;
  for (; i + 2 <= length; i += 2) {
    const at = <usize>i << 2;
    total = f64x2.add(total, f64x2.mul(two(a + at), two(b + at)));
  }
  let result = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  if (i < length) result += <f64>load<f32>(a + (<usize>i << 2)) * <f64>load<f32>(b + (<usize>i << 2));
  return result;
}

/** Σ a b (x − mean) in f64. */
function weightedDot(a: usize, b: usize, x: usize, mean: f64, length: i32): f64 {
  const mean2 = f64x2.splat(mean);
  let total = f64x2.splat(0);
  let i = 0;
  for (; i + 2 <= length; i += 2) {
    const at = <usize>i << 2;
    total = f64x2.add(total, f64x2.mul(f64x2.mul(two(a + at), two(b + at)), f64x2.sub(two(x + at), mean2)));
  }
  let result = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  if (i < length) {
    const at = <usize>i << 2;
    result += <f64>load<f32>(a + at) * <f64>load<f32>(b + at) * (<f64>load<f32>(x + at) - mean);
  }
  return result;
}

/** Two f32 as f64. */
// @ts-ignore: decorator
@inline
function two(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}
