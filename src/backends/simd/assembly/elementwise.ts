/**
 * Elementwise kernels over a flat range. Ranges given to different threads start at multiples of four elements, and
 * tails go through the same vector arithmetic, so an element's value does not depend on where a range ends.
 */
import { exp4, exponentiate } from './vector';

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

/** silu(gate) · up = gate / (1 + e^−gate) · up */
export function swiglu(out: usize, gate: usize, up: usize, from: i32, to: i32): void {
  let i = from;
  const one = f32x4.splat(1);
  while (i + 4 <= to) {
    const begin = <usize>i << 2;
    const end = <usize>min(i + PIECE, to & ~3) << 2;
    memory.copy(out + begin, gate + begin, end - begin);
    exponentiate(out + begin, out + end, 0, -1);
    for (let at = begin; at < end; at += 16) {
      const silu = f32x4.div(v128.load(gate + at), f32x4.add(one, v128.load(out + at)));
      v128.store(out + at, f32x4.mul(silu, v128.load(up + at)));
    }
    i = <i32>(end >> 2);
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, f32x4.extract_lane(silu4(f32x4.splat(load<f32>(gate + at))), 0) * load<f32>(up + at));
  }
}

// @ts-ignore: decorator
@inline
function silu4(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
}

/** 0.5 x (1 + tanh(u)), u = √(2/π)(x + 0.044715 x³), written as x · sigmoid(2u) so that small values keep digits. */
export function geluTanh(out: usize, x: usize, from: i32, to: i32): void {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, geluTanh4(v128.load(x + at)));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, f32x4.extract_lane(geluTanh4(f32x4.splat(load<f32>(x + at))), 0));
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
