/** The backwards of elementwise kernels, over a flat range as in elementwise.ts. */
import { erf, NOTHING, SILU_LOWEST } from './elementwise';
import { exp4 } from './vector';

/** Math.exp of the host. */
@external("env", "exp")
declare function hostExp(x: f64): f64;

/** factor · x */
export function scale(out: usize, x: usize, factor: f32, from: i32, to: i32): void {
  const factor4 = f32x4.splat(factor);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, f32x4.mul(v128.load(x + at), factor4));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, load<f32>(x + at) * factor);
  }
}

/** With s = sigmoid(gate): dUp = dy · gate · s, dGate = dy · up · s (1 + gate (1 − s)). */
export function swigluBackward(
  dGate: usize,
  dUp: usize,
  dy: usize,
  gate: usize,
  up: usize,
  from: i32,
  to: i32,
): void {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(gate + at);
    const slope = v128.load(dy + at);
    const e = exp4(f32x4.neg(x));
    const s = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e));
    v128.store(dUp + at, f32x4.mul(slope, f32x4.mul(x, s)));
    v128.store(dGate + at, f32x4.mul(f32x4.mul(slope, v128.load(up + at)), siluSlope4(x, e, s)));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    const x = f32x4.splat(load<f32>(gate + at));
    const slope = load<f32>(dy + at);
    const e = exp4(f32x4.neg(x));
    const s = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e));
    store<f32>(dUp + at, slope * f32x4.extract_lane(f32x4.mul(x, s), 0));
    store<f32>(dGate + at, slope * load<f32>(up + at) * f32x4.extract_lane(siluSlope4(x, e, s), 0));
  }
  repairSwiglu(dGate, dUp, dy, gate, up, from, to);
}

/**
 * In f64 what the vectors could not: elements whose gate is so far below zero that e^−gate leaves
 * f32.
 */
function repairSwiglu(
  dGate: usize,
  dUp: usize,
  dy: usize,
  gate: usize,
  up: usize,
  from: i32,
  to: i32,
): void {
  for (let i = from; i < to; i++) {
    const at = <usize>i << 2;
    const x = <f64>load<f32>(gate + at);
    if (x >= SILU_LOWEST) continue;
    const s = 1 / (1 + hostExp(-x));
    const slope = <f64>load<f32>(dy + at);
    if (abs(load<f32>(dUp + at)) >= NOTHING) store<f32>(dUp + at, <f32>(slope * x * s));
    if (abs(load<f32>(dGate + at)) < NOTHING) continue;
    store<f32>(dGate + at, <f32>(slope * <f64>load<f32>(up + at) * s * (1 + x * (1 - s))));
  }
}

/** s (1 + x (1 − s)), with 1 − s as e^−x s, which loses no digits. */
// @ts-ignore: decorator
@inline
function siluSlope4(x: v128, e: v128, s: v128): v128 {
  return f32x4.mul(s, f32x4.add(f32x4.splat(1), f32x4.mul(x, f32x4.mul(e, s))));
}

export function geluTanhBackward(out: usize, dy: usize, x: usize, from: i32, to: i32): void {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, f32x4.mul(v128.load(dy + at), geluTanhSlope4(v128.load(x + at))));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, load<f32>(dy + at) * f32x4.extract_lane(geluTanhSlope4(f32x4.splat(load<f32>(x + at))), 0));
  }
  // Far from zero, where the cube leaves f32, the slope is 0 or 1.
  for (i = from; i < to; i++) {
    const at = <usize>i << 2;
    const z = load<f32>(x + at);
    if (abs(z) > 1e6) store<f32>(out + at, z > 0 ? load<f32>(dy + at) : load<f32>(dy + at) * 0);
  }
}

/**
 * With s = sigmoid(2u), u = √(2/π)(x + 0.044715 x³): the derivative of x · s is s (1 + x · 2u′ (1 −
 * s)).
 */
function geluTanhSlope4(x: v128): v128 {
  const square = f32x4.mul(f32x4.mul(x, x), f32x4.splat(0.044715));
  const one = f32x4.splat(1);
  const minusTwoU = f32x4.mul(f32x4.mul(x, f32x4.add(one, square)), f32x4.splat(-1.5957691216057308));
  const e = exp4(minusTwoU);
  const s = f32x4.div(one, f32x4.add(one, e));
  // x · 2u′
  const growth = f32x4.mul(
    f32x4.mul(x, f32x4.splat(1.5957691216057308)),
    f32x4.add(one, f32x4.mul(square, f32x4.splat(3))),
  );
  return f32x4.mul(s, f32x4.add(one, f32x4.mul(growth, f32x4.mul(e, s))));
}

/** Φ(x) + x φ(x), in f64. */
export function geluErfBackward(out: usize, dy: usize, x: usize, from: i32, to: i32): void {
  for (let i = from; i < to; i++) {
    const at = <usize>i << 2;
    const value = <f64>load<f32>(x + at);
    const below = 0.5 * (1 + erf(value * 0.7071067811865476));
    const density = 0.3989422804014327 * hostExp(-0.5 * value * value);
    store<f32>(out + at, <f32>(<f64>load<f32>(dy + at) * (below + value * density)));
  }
}
