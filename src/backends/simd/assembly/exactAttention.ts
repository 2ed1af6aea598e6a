import { K_GROUP, multiplyCut } from './linear';
import { allFinite } from './vector';

/**
 * One row of attention where f32 does not reach: scores beyond 3.4e38, and sums of huge values. The
 * reference has f64 there; so has this, number by number. Rows that come here are rare, and whether
 * one does depends on what it sees alone.
 *
 * `weights` are a row's weights by key, `from` … `to` − 1 those of the keys it sees; strides are in
 * bytes.
 */

/** Math.exp of the host. */
@external("env", "exp")
declare function hostExp(x: f64): f64;

/**
 * The row's weights e^(score − max) with scores in f64, 0 for the keys it does not see. Returns
 * their sum; NaN where it is.
 */
export function weighExactly(
  weights: usize,
  query: usize,
  keys: usize,
  keyStride: usize,
  headDim: i32,
  from: i32,
  to: i32,
  stride: i32,
): f32 {
  if (!allFinite(query, headDim)) return NaN;
  const scale = 1.0 / sqrt(<f64>headDim);
  let highest: f64 = -Infinity;
  for (let j = from; j < to; j++) highest = max(highest, dot(query, keys + <usize>j * keyStride, headDim));
  memory.fill(weights, 0, <usize>stride << 2);
  let sum: f64 = 0;
  for (let j = from; j < to; j++) {
    const weight = <f32>hostExp((dot(query, keys + <usize>j * keyStride, headDim) - highest) * scale);
    store<f32>(weights + (<usize>j << 2), weight);
    sum += weight;
  }
  return <f32>sum;
}

/**
 * out = Σ weight · value over the keys it sees alone: the bits of the tile's sum, without what an
 * infinite value of another key makes of a weight of 0. `panels` hold the values of key 0 on.
 */
export function mixOwn(
  out: usize,
  weights: usize,
  panels: usize,
  panelBytes: usize,
  headDim: i32,
  from: i32,
  to: i32,
): void {
  let begin = from;
  while (begin < to) {
    const end = min(to, (begin & ~(K_GROUP - 1)) + K_GROUP);
    const row = weights + (<usize>begin << 2);
    const values = panels + (<usize>begin << 5);
    multiplyCut(out, headDim, row, to, values, panelBytes, 0, end - begin, headDim, 1, begin > from);
    begin = end;
  }
}

/**
 * out = Σ weight · value / Σ weight over the keys it sees, in f64: the sum may leave f32's range,
 * the mean does not.
 */
export function mixExactly(
  out: usize,
  weights: usize,
  values: usize,
  valueStride: usize,
  headDim: i32,
  from: i32,
  to: i32,
): void {
  for (let i = 0; i < headDim; i++) {
    let mixed: f64 = 0;
    let sum: f64 = 0;
    for (let j = from; j < to; j++) {
      const weight = <f64>load<f32>(weights + (<usize>j << 2));
      mixed += weight * <f64>load<f32>(values + <usize>j * valueStride + (<usize>i << 2));
      sum += weight;
    }
    store<f32>(out + (<usize>i << 2), <f32>(mixed / sum));
  }
}

function dot(a: usize, b: usize, length: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < length; i++) {
    const at = <usize>i << 2;
    sum += <f64>load<f32>(a + at) * <f64>load<f32>(b + at);
  }
  return sum;
}
