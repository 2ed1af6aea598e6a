/** Functions that kernels call; see kernel.ts for what their text must keep to. */

/**
 * ⌊a / b⌋ of whole numbers ≥ 0. A GPU's division may be off by 2.5 units in the last place, so that 6 / 3 can come out
 * below 2; half a unit of slack makes that harmless for a below 1.6 million.
 */
export function quotient(a: number, b: number): number {
  return Math.floor((a + 0.5) / b);
}

/**
 * e^x with x held within ±88: beyond that f32 has no number for it, and WGSL leaves open what an overflow gives. What the
 * callers divide by it, or add it to, is below 1e-33 of the rest by then.
 */
export function boundedExp(x: number): number {
  return Math.exp(Math.max(Math.min(x, 88), -88));
}

/**
 * erfc(z) to 1.2e-7 relative: Chebyshev fit of Press et al. 1992, Numerical Recipes in C, §6.2 (`erfcc`). The reference's
 * series and continued fraction would be 150 steps a number, for digits that f32 does not have.
 */
export function erfc(z: number): number {
  const size = Math.abs(z);
  const t = 1 / (1 + 0.5 * size);
  const fit =
    -1.26551223 +
    t *
      (1.00002368 +
        t *
          (0.37409196 +
            t *
              (0.09678418 +
                t *
                  (-0.18628806 +
                    t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  const tail = t * boundedExp(fit - size * size);
  if (z < 0) return 2 - tail;
  return tail;
}
