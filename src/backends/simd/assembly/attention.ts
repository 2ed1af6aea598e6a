import { exp4, fma, maxLanes, sumLanes } from './vector';

/**
 * Causal grouped-query attention, one query row and head at a time: scores of the keys it sees go to a scratch row,
 * are turned into weights there, and mix the value rows. No [T, T] matrix exists. A row's arithmetic depends on its
 * own position and keys only: not on the rows around it, the thread, or whether the keys came from a cache.
 *
 * Units are (sequence, head) pairs: unit = sequence · numHeads + head. `scratch` holds keyLen + 4 floats.
 */
export function attention(
  out: usize,
  q: usize,
  k: usize,
  v: usize,
  scratch: usize,
  numHeads: i32,
  numKvHeads: i32,
  headDim: i32,
  seqLen: i32,
  keyLen: i32,
  window: i32,
  scale: f32,
  unitFrom: i32,
  unitTo: i32,
): void {
  const queryStride = <usize>(numHeads * headDim) << 2;
  const keyStride = <usize>(numKvHeads * headDim) << 2;
  const group = numHeads / numKvHeads;
  for (let unit = unitFrom; unit < unitTo; unit++) {
    const sequence = unit / numHeads;
    const head = unit % numHeads;
    const headBytes = <usize>(head * headDim) << 2;
    const keyBytes = <usize>((head / group) * headDim) << 2;
    const queries = <usize>(sequence * seqLen) * queryStride + headBytes;
    const keys = <usize>(sequence * keyLen) * keyStride + keyBytes;
    for (let t = 0; t < seqLen; t++) {
      const position = keyLen - seqLen + t;
      const first = window > 0 ? max(0, position - window + 1) : 0;
      const count = position - first + 1;
      const offset = keys + <usize>first * keyStride;
      const row = queries + <usize>t * queryStride;
      scores(scratch, q + row, k + offset, keyStride, headDim, count, scale);
      const total = softmaxWeights(scratch, count);
      mix(out + row, scratch, v + offset, keyStride, headDim, count, 1.0 / total);
    }
  }
}

/** scratch[j] = scale · q·k_j for j < count. */
function scores(scratch: usize, q: usize, k: usize, keyStride: usize, headDim: i32, count: i32, scale: f32): void {
  const vectors = headDim & ~3;
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const k1 = k + keyStride;
    const k2 = k1 + keyStride;
    const k3 = k2 + keyStride;
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    for (let d = 0; d < vectors; d += 4) {
      const at = <usize>d << 2;
      const query = v128.load(q + at);
      s0 = fma(query, v128.load(k + at), s0);
      s1 = fma(query, v128.load(k1 + at), s1);
      s2 = fma(query, v128.load(k2 + at), s2);
      s3 = fma(query, v128.load(k3 + at), s3);
    }
    store<f32>(scratch, scale * (sumLanes(s0) + tail(q, k, vectors, headDim)));
    store<f32>(scratch, scale * (sumLanes(s1) + tail(q, k1, vectors, headDim)), 4);
    store<f32>(scratch, scale * (sumLanes(s2) + tail(q, k2, vectors, headDim)), 8);
    store<f32>(scratch, scale * (sumLanes(s3) + tail(q, k3, vectors, headDim)), 12);
    scratch += 16;
    k = k3 + keyStride;
  }
  for (; j < count; j++) {
    let s0 = f32x4.splat(0);
    for (let d = 0; d < vectors; d += 4) {
      const at = <usize>d << 2;
      s0 = fma(v128.load(q + at), v128.load(k + at), s0);
    }
    store<f32>(scratch, scale * (sumLanes(s0) + tail(q, k, vectors, headDim)));
    scratch += 4;
    k += keyStride;
  }
}

// @ts-ignore: decorator
@inline
function tail(q: usize, k: usize, from: i32, headDim: i32): f32 {
  let total: f32 = 0;
  for (let d = from; d < headDim; d++) {
    const at = <usize>d << 2;
    total += load<f32>(q + at) * load<f32>(k + at);
  }
  return total;
}

/** Replaces scores by exp(score − max) and returns their sum. The row is padded to whole vectors with −∞. */
function softmaxWeights(scratch: usize, count: i32): f32 {
  for (let j = count; j & 3; j++) store<f32>(scratch + (<usize>j << 2), -Infinity);
  const end = scratch + (<usize>((count + 3) & ~3) << 2);
  let max4 = v128.load(scratch);
  for (let at = scratch + 16; at < end; at += 16) max4 = f32x4.max(max4, v128.load(at));
  const highest = f32x4.splat(maxLanes(max4));
  let total = f32x4.splat(0);
  for (let at = scratch; at < end; at += 16) {
    const weight = exp4(f32x4.sub(v128.load(at), highest));
    v128.store(at, weight);
    total = f32x4.add(total, weight);
  }
  return sumLanes(total);
}

/** out[d] = inverse · Σ_j scratch[j] v_j[d]: 32 columns at a time, so that eight sums run side by side. */
function mix(out: usize, scratch: usize, v: usize, keyStride: usize, headDim: i32, count: i32, inverse: f32): void {
  const end = scratch + (<usize>count << 2);
  const inverse4 = f32x4.splat(inverse);
  let d = 0;
  for (; d + 32 <= headDim; d += 32) {
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    let c2 = f32x4.splat(0);
    let c3 = f32x4.splat(0);
    let c4 = f32x4.splat(0);
    let c5 = f32x4.splat(0);
    let c6 = f32x4.splat(0);
    let c7 = f32x4.splat(0);
    let from = v + (<usize>d << 2);
    for (let at = scratch; at < end; at += 4) {
      const weight = v128.load32_splat(at);
      c0 = fma(weight, v128.load(from), c0);
      c1 = fma(weight, v128.load(from, 16), c1);
      c2 = fma(weight, v128.load(from, 32), c2);
      c3 = fma(weight, v128.load(from, 48), c3);
      c4 = fma(weight, v128.load(from, 64), c4);
      c5 = fma(weight, v128.load(from, 80), c5);
      c6 = fma(weight, v128.load(from, 96), c6);
      c7 = fma(weight, v128.load(from, 112), c7);
      from += keyStride;
    }
    const to = out + (<usize>d << 2);
    v128.store(to, f32x4.mul(c0, inverse4));
    v128.store(to, f32x4.mul(c1, inverse4), 16);
    v128.store(to, f32x4.mul(c2, inverse4), 32);
    v128.store(to, f32x4.mul(c3, inverse4), 48);
    v128.store(to, f32x4.mul(c4, inverse4), 64);
    v128.store(to, f32x4.mul(c5, inverse4), 80);
    v128.store(to, f32x4.mul(c6, inverse4), 96);
    v128.store(to, f32x4.mul(c7, inverse4), 112);
  }
  for (; d + 4 <= headDim; d += 4) {
    let c = f32x4.splat(0);
    let from = v + (<usize>d << 2);
    for (let at = scratch; at < end; at += 4) {
      c = fma(v128.load32_splat(at), v128.load(from), c);
      from += keyStride;
    }
    v128.store(out + (<usize>d << 2), f32x4.mul(c, inverse4));
  }
  for (; d < headDim; d++) {
    let c: f32 = 0;
    let from = v + (<usize>d << 2);
    for (let at = scratch; at < end; at += 4) {
      c += load<f32>(at) * load<f32>(from);
      from += keyStride;
    }
    store<f32>(out + (<usize>d << 2), c * inverse);
  }
}
