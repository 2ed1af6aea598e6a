/** Vector helpers shared by all kernels: fused multiply-add, horizontal sums, exp. */

/**
 * a·b + c in each lane. With relaxed SIMD this is one instruction, fused on every x64 with FMA3 and
 * every arm64; without, two roundings. The choice is made when the module is compiled, so one
 * kernel variant always rounds alike.
 */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** (l0 + l1) + (l2 + l3): the one order in which every kernel adds lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

// @ts-ignore: decorator
@inline
export function minLanes(v: v128): f32 {
  return min(
    min(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    min(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

/** Whether `length` numbers are neither infinite nor NaN. */
export function allFinite(x: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (load<f32>(x + (<usize>i << 2)) * 0 != 0) return false;
  }
  return true;
}

/**
 * The highest and the lowest number of whole vectors from … end, in lanes 0 and 1. A NaN may be
 * passed over.
 */
export function extremes(from: usize, end: usize): v128 {
  let highest = v128.load(from);
  let lowest = highest;
  for (let at = from + 16; at < end; at += 16) {
    const x = v128.load(at);
    highest = f32x4.pmax(highest, x);
    lowest = f32x4.pmin(lowest, x);
  }
  return f32x4.replace_lane(f32x4.splat(maxLanes(highest)), 1, minLanes(lowest));
}

/** Each lane's highest of whole vectors from … end. A NaN may be passed over. */
export function highest4(from: usize, end: usize): v128 {
  let highest = v128.load(from);
  // The pseudo-maximum is one instruction; the maximum, which must let no NaN go, is eight.
  for (let at = from + 16; at < end; at += 16) highest = f32x4.pmax(highest, v128.load(at));
  return highest;
}

/** Adding it rounds a small number to a whole one, whose value then stands in the lowest bits. */
const ROUNDER: f32 = 12582912; // 1.5 · 2²³
/** Where 2ⁿ leaves the range of normal numbers. */
const LOWEST: f32 = -87.33654;
const HIGHEST: f32 = 88.37626;
const LOG2_E: f32 = 1.44269504088896341;
/** −ln 2 in two parts, the first of which times a small whole number is exact (Cody & Waite). */
const LN2_HIGH: f32 = -0.693359375;
const LN2_LOW: f32 = 2.1219444e-4;
/** The polynomial of the Cephes library's expf, from the highest power down. */
const P6: f32 = 1.987569150e-4;
const P5: f32 = 1.3981999507e-3;
const P4: f32 = 8.3334519073e-3;
const P3: f32 = 4.1665795894e-2;
const P2: f32 = 1.6666665459e-1;
const P1: f32 = 5.0000001201e-1;

/**
 * exp in each lane, within 2 ulp for x in [−87.3, 88.3]; exactly 0 below; clamped above (2.4e38).
 * NaN stays NaN. Cody–Waite reduction x = n ln 2 + r, |r| ≤ ln 2 / 2, then a degree-6 minimax
 * polynomial, then 2ⁿ by setting the exponent bits.
 */
export function exp4(x: v128): v128 {
  const lowest = f32x4.splat(LOWEST);
  // The pseudo-minimum and -maximum are one instruction each, and let a NaN in their first argument
  // through.
  const clamped = f32x4.pmin(f32x4.pmax(x, lowest), f32x4.splat(HIGHEST));
  const rounded = fma(clamped, f32x4.splat(LOG2_E), f32x4.splat(ROUNDER));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDER));
  let r = fma(n, f32x4.splat(LN2_HIGH), clamped);
  r = fma(n, f32x4.splat(LN2_LOW), r);
  let p = fma(f32x4.splat(P6), r, f32x4.splat(P5));
  p = fma(p, r, f32x4.splat(P4));
  p = fma(p, r, f32x4.splat(P3));
  p = fma(p, r, f32x4.splat(P2));
  p = fma(p, r, f32x4.splat(P1));
  const y = f32x4.add(fma(p, f32x4.mul(r, r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(rounded, i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(y, power), f32x4.lt(x, lowest));
}

/**
 * x ← e^(scale · (x − shift)) for whole vectors from … end, each as `exp4` would. Four at a time:
 * the engine makes a constant anew at every use, which for a vector alone takes longer than its
 * arithmetic; and pairs can be joined (linearTiles.generated.ts).
 */
export function exponentiate(from: usize, end: usize, shift: f32, scale: f32): void {
  const shift4 = f32x4.splat(shift);
  const scale4 = f32x4.splat(scale);
  let at = from;
  for (; at + 64 <= end; at += 64) {
    const x0 = f32x4.mul(f32x4.sub(v128.load(at), shift4), scale4);
    const x1 = f32x4.mul(f32x4.sub(v128.load(at, 16), shift4), scale4);
    const x2 = f32x4.mul(f32x4.sub(v128.load(at, 32), shift4), scale4);
    const x3 = f32x4.mul(f32x4.sub(v128.load(at, 48), shift4), scale4);
    const lowest = f32x4.splat(LOWEST);
    let c = f32x4.splat(HIGHEST);
    let r0 = f32x4.pmin(f32x4.pmax(x0, lowest), c);
    let r1 = f32x4.pmin(f32x4.pmax(x1, lowest), c);
    let r2 = f32x4.pmin(f32x4.pmax(x2, lowest), c);
    let r3 = f32x4.pmin(f32x4.pmax(x3, lowest), c);
    c = f32x4.splat(LOG2_E);
    const rounder = f32x4.splat(ROUNDER);
    const rounded0 = fma(r0, c, rounder);
    const rounded1 = fma(r1, c, rounder);
    const rounded2 = fma(r2, c, rounder);
    const rounded3 = fma(r3, c, rounder);
    const n0 = f32x4.sub(rounded0, rounder);
    const n1 = f32x4.sub(rounded1, rounder);
    const n2 = f32x4.sub(rounded2, rounder);
    const n3 = f32x4.sub(rounded3, rounder);
    c = f32x4.splat(LN2_HIGH);
    r0 = fma(n0, c, r0);
    r1 = fma(n1, c, r1);
    r2 = fma(n2, c, r2);
    r3 = fma(n3, c, r3);
    c = f32x4.splat(LN2_LOW);
    r0 = fma(n0, c, r0);
    r1 = fma(n1, c, r1);
    r2 = fma(n2, c, r2);
    r3 = fma(n3, c, r3);
    const first = f32x4.splat(P6);
    c = f32x4.splat(P5);
    let p0 = fma(first, r0, c);
    let p1 = fma(first, r1, c);
    let p2 = fma(first, r2, c);
    let p3 = fma(first, r3, c);
    c = f32x4.splat(P4);
    p0 = fma(p0, r0, c);
    p1 = fma(p1, r1, c);
    p2 = fma(p2, r2, c);
    p3 = fma(p3, r3, c);
    c = f32x4.splat(P3);
    p0 = fma(p0, r0, c);
    p1 = fma(p1, r1, c);
    p2 = fma(p2, r2, c);
    p3 = fma(p3, r3, c);
    c = f32x4.splat(P2);
    p0 = fma(p0, r0, c);
    p1 = fma(p1, r1, c);
    p2 = fma(p2, r2, c);
    p3 = fma(p3, r3, c);
    c = f32x4.splat(P1);
    p0 = fma(p0, r0, c);
    p1 = fma(p1, r1, c);
    p2 = fma(p2, r2, c);
    p3 = fma(p3, r3, c);
    c = f32x4.splat(1);
    p0 = f32x4.add(fma(p0, f32x4.mul(r0, r0), r0), c);
    p1 = f32x4.add(fma(p1, f32x4.mul(r1, r1), r1), c);
    p2 = f32x4.add(fma(p2, f32x4.mul(r2, r2), r2), c);
    p3 = f32x4.add(fma(p3, f32x4.mul(r3, r3), r3), c);
    const bias = i32x4.splat(127);
    p0 = f32x4.mul(p0, i32x4.shl(i32x4.add(rounded0, bias), 23));
    p1 = f32x4.mul(p1, i32x4.shl(i32x4.add(rounded1, bias), 23));
    p2 = f32x4.mul(p2, i32x4.shl(i32x4.add(rounded2, bias), 23));
    p3 = f32x4.mul(p3, i32x4.shl(i32x4.add(rounded3, bias), 23));
    v128.store(at, v128.andnot(p0, f32x4.lt(x0, lowest)));
    v128.store(at, v128.andnot(p1, f32x4.lt(x1, lowest)), 16);
    v128.store(at, v128.andnot(p2, f32x4.lt(x2, lowest)), 32);
    v128.store(at, v128.andnot(p3, f32x4.lt(x3, lowest)), 48);
  }
  for (; at < end; at += 16) v128.store(at, exp4(f32x4.mul(f32x4.sub(v128.load(at), shift4), scale4)));
}
