/** Vector helpers shared by all kernels: fused multiply-add, horizontal sums, exp. */

/**
 * a·b + c in each lane. With relaxed SIMD this is one instruction, fused on every x64 with FMA3 and every arm64;
 * without, two roundings. The choice is made when the module is compiled, so one kernel variant always rounds alike.
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

/** Adding it rounds a small number to a whole one, whose value then stands in the lowest bits. */
const ROUNDER: f32 = 12582912; // 1.5 · 2²³

/**
 * exp in each lane, within 2 ulp for x in [−87.3, 88.3]; exactly 0 below; clamped above (2.4e38). NaN stays NaN.
 * Cody–Waite reduction x = n ln 2 + r, |r| ≤ ln 2 / 2, then the degree-6 minimax polynomial of the Cephes library's
 * expf, then 2ⁿ by setting the exponent bits.
 */
export function exp4(x: v128): v128 {
  const lowest = f32x4.splat(-87.33654);
  // The pseudo-minimum and -maximum are one instruction each, and let a NaN in their first argument through.
  const clamped = f32x4.pmin(f32x4.pmax(x, lowest), f32x4.splat(88.37626));
  const rounded = fma(clamped, f32x4.splat(1.44269504088896341), f32x4.splat(ROUNDER));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDER));
  let r = fma(n, f32x4.splat(-0.693359375), clamped);
  r = fma(n, f32x4.splat(2.12194440e-4), r);
  let p = fma(f32x4.splat(1.9875691500e-4), r, f32x4.splat(1.3981999507e-3));
  p = fma(p, r, f32x4.splat(8.3334519073e-3));
  p = fma(p, r, f32x4.splat(4.1665795894e-2));
  p = fma(p, r, f32x4.splat(1.6666665459e-1));
  p = fma(p, r, f32x4.splat(5.0000001201e-1));
  const y = f32x4.add(fma(p, f32x4.mul(r, r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(rounded, i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(y, power), f32x4.lt(x, lowest));
}
