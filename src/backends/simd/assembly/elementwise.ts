/**
 * Elementwise kernels over a flat range. Ranges given to different threads start at multiples of
 * four elements, and tails go through the same vector arithmetic, so an element's value does not
 * depend on where a range ends.
 */
import { exp4, exponentiate, minLanes } from './vector';

/** Math.exp of the host: for the exact GELU, which is rare and wants f64. */
@external("env", "exp")
declare function hostExp(x: f64): f64;

export function add(out: usize, x: usize, y: usize, from: i32, to: i32): void {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, f32x4.add(v128.load(x + at), v128.load(y + at)));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, load<f32>(x + at) + load<f32>(y + at));
  }
}

/** Elements that stay in L1 from one pass over them to the next. */
const PIECE: i32 = 1024;

/**
 * Below these, e^−x or e^−2u is beyond f32 and `exp4` holds it; what is then left instead of
 * nothing grows with x.
 */
export const SILU_LOWEST: f32 = -88;
const GELU_LOWEST: f32 = -1e6;
/** What is left and smaller than this is nothing beside any other number. */
export const NOTHING: f32 = 1e-30;

/** silu(gate) · up = gate / (1 + e^−gate) · up */
export function swiglu(out: usize, gate: usize, up: usize, from: i32, to: i32): void {
  let i = from;
  const one = f32x4.splat(1);
  while (i + 4 <= to) {
    const begin = <usize>i << 2;
    const end = <usize>min(i + PIECE, to & ~3) << 2;
    memory.copy(out + begin, gate + begin, end - begin);
    exponentiate(out + begin, out + end, 0, -1);
    let lowest = f32x4.splat(0);
    for (let at = begin; at < end; at += 16) {
      const x = v128.load(gate + at);
      lowest = f32x4.pmin(lowest, x);
      const silu = f32x4.div(x, f32x4.add(one, v128.load(out + at)));
      v128.store(out + at, f32x4.mul(silu, v128.load(up + at)));
    }
    if (minLanes(lowest) < SILU_LOWEST) repairSwiglu(out, gate, up, begin, end);
    i = <i32>(end >> 2);
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, f32x4.extract_lane(silu4(f32x4.splat(load<f32>(gate + at))), 0) * load<f32>(up + at));
    if (load<f32>(gate + at) < SILU_LOWEST) repairSwiglu(out, gate, up, at, at + 4);
  }
}

/**
 * In f64 what the vectors could not: elements from … end (in bytes) whose gate is far below zero.
 */
function repairSwiglu(out: usize, gate: usize, up: usize, from: usize, end: usize): void {
  for (let at = from; at < end; at += 4) {
    const x = <f64>load<f32>(gate + at);
    if (x >= SILU_LOWEST || abs(load<f32>(out + at)) < NOTHING) continue;
    store<f32>(out + at, <f32>((x / (1 + hostExp(-x))) * <f64>load<f32>(up + at)));
  }
}

// @ts-ignore: decorator
@inline
function silu4(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
}

/**
 * 0.5 x (1 + tanh(u)), u = √(2/π)(x + 0.044715 x³), written as x · sigmoid(2u) so that small values
 * keep digits.
 */
export function geluTanh(out: usize, x: usize, from: i32, to: i32): void {
  let lowest = f32x4.splat(0);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    const z = v128.load(x + at);
    lowest = f32x4.pmin(lowest, z);
    v128.store(out + at, geluTanh4(z));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    const z = f32x4.splat(load<f32>(x + at));
    lowest = f32x4.pmin(lowest, z);
    store<f32>(out + at, f32x4.extract_lane(geluTanh4(z), 0));
  }
  if (minLanes(lowest) < GELU_LOWEST) repairGeluTanh(out, x, from, to);
}

/** In f64 what the vectors could not: elements far below zero. */
function repairGeluTanh(out: usize, x: usize, from: i32, to: i32): void {
  for (let i = from; i < to; i++) {
    const at = <usize>i << 2;
    const z = <f64>load<f32>(x + at);
    if (z >= GELU_LOWEST) continue;
    store<f32>(out + at, <f32>(z / (1 + hostExp(-1.5957691216057308 * (z + 0.044715 * z * z * z)))));
  }
}

// @ts-ignore: decorator
@inline
function geluTanh4(x: v128): v128 {
  const cubic = f32x4.mul(f32x4.mul(x, x), f32x4.mul(x, f32x4.splat(0.044715)));
  const minusTwoU = f32x4.mul(f32x4.add(x, cubic), f32x4.splat(-1.5957691216057308));
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp4(minusTwoU)));
}

/**
 * x Φ(x), exact GELU, in f64. erf by its series with positive terms only,
 * erf(z) = 2/√π e^−z² Σ 2ⁿ z²ⁿ⁺¹ / (2n+1)!! (Abramowitz & Stegun 7.1.6), which loses no digits.
 */
export function geluErf(out: usize, x: usize, from: i32, to: i32): void {
  for (let i = from; i < to; i++) {
    const at = <usize>i << 2;
    const value = <f64>load<f32>(x + at);
    store<f32>(out + at, <f32>(0.5 * value * (1 + erf(value * 0.7071067811865476))));
  }
}

export function erf(z: f64): f64 {
  if (z > 6) return 1;
  if (z < -6) return -1;
  let term = z;
  let total = z;
  for (let n = 1; n < 200; n++) {
    term *= (2 * z * z) / <f64>(2 * n + 1);
    total += term;
    if (abs(term) < 1e-17 * abs(total)) break;
  }
  return 1.1283791670955126 * hostExp(-z * z) * total;
}
