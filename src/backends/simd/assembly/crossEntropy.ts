import { exp4, exponentiate, highest4, maxLanes, sumLanes } from './vector';

/** Math.log of the host. */
@external("env", "hostLog")
declare function hostLog(x: f64): f64;

/** Logits whose exponentials are added up in f32 before they join the row's f64 sum. */
const CUT: i32 = 512;

/**
 * nll [R] = −log softmax(logits)[target] and dLogits [R, columns] = weight · (softmax − one-hot);
 * rows with a target below 0 are 0 in both.
 */
export function crossEntropy(
  nll: usize,
  dLogits: usize,
  logits: usize,
  targets: usize,
  columns: i32,
  weight: f64,
  rowFrom: i32,
  rowTo: i32,
): void {
  const bytes = <usize>columns << 2;
  for (let row = rowFrom; row < rowTo; row++) {
    const target = load<i32>(targets + (<usize>row << 2));
    const out = dLogits + <usize>row * bytes;
    if (target < 0) {
      store<f32>(nll + (<usize>row << 2), 0);
      memory.fill(out, 0, bytes);
      continue;
    }
    const from = logits + <usize>row * bytes;
    const highest = maximum(from, columns);
    const total = exponentials(out, from, columns, highest);
    const own = <usize>target << 2;
    const loss = hostLog(total) + (<f64>highest - <f64>load<f32>(from + own));
    store<f32>(nll + (<usize>row << 2), <f32>loss);
    const ownSlope = weight * (<f64>load<f32>(out + own) / total - 1);
    multiplyRow(out, columns, <f32>(weight / total));
    store<f32>(out + own, <f32>ownSlope);
  }
}

function maximum(x: usize, length: i32): f32 {
  const whole = length & ~3;
  let highest = load<f32>(x);
  if (whole > 0) highest = maxLanes(highest4(x, x + (<usize>whole << 2)));
  for (let i = whole; i < length; i++) highest = max(highest, load<f32>(x + (<usize>i << 2)));
  return highest;
}

/** out = e^(x − shift); returns its sum. */
function exponentials(out: usize, x: usize, length: i32, shift: f32): f64 {
  let total: f64 = 0;
  let i = 0;
  while (i + 4 <= length) {
    const begin = <usize>i << 2;
    i = min(length, i + CUT) & ~3;
    const end = <usize>i << 2;
    memory.copy(out + begin, x + begin, end - begin);
    exponentiate(out + begin, out + end, shift, 1);
    let sum = f32x4.splat(0);
    for (let at = out + begin; at < out + end; at += 16) sum = f32x4.add(sum, v128.load(at));
    total += <f64>sumLanes(sum);
  }
  for (; i < length; i++) {
    const at = <usize>i << 2;
    const e = f32x4.extract_lane(exp4(f32x4.splat(load<f32>(x + at) - shift)), 0);
    store<f32>(out + at, e);
    total += <f64>e;
  }
  return total;
}

function multiplyRow(x: usize, length: i32, factor: f32): void {
  const factor4 = f32x4.splat(factor);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const at = x + (<usize>i << 2);
    v128.store(at, f32x4.mul(v128.load(at), factor4));
  }
  for (; i < length; i++) {
    const at = x + (<usize>i << 2);
    store<f32>(at, load<f32>(at) * factor);
  }
}
