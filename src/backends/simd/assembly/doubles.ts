/** f64 vectors made of f32 numbers. */

/** a·b + c in each lane; a and b were f32, so that the product is exact. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function lowHalf(values: v128): v128 {
  return f64x2.promote_low_f32x4(values);
}

// @ts-ignore: decorator
@inline
export function highHalf(values: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<u64>(values, values, 1, 1));
}

// @ts-ignore: decorator
@inline
export function sumDoubles(a: v128, b: v128): f64 {
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1) + (f64x2.extract_lane(b, 0) + f64x2.extract_lane(b, 1));
}

/** Stores four results: `added` to what is there, or in its place. */
// @ts-ignore: decorator
@inline
export function storeDoubles(out: usize, c0: v128, c1: v128, added: bool): void {
  if (added) {
    c0 = f64x2.add(v128.load(out), c0);
    c1 = f64x2.add(v128.load(out, 16), c1);
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
}
