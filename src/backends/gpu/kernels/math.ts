/** Functions that kernels call; see kernel.ts for what their text must keep to. */

/**
 * ⌊a / b⌋ of whole numbers ≥ 0. A GPU's division may be off by 2.5 units in the last place, so that
 * 6 / 3 can come out below 2; half a unit of slack makes that harmless for a below 1.6 million.
 */
export function quotient(a: number, b: number): number {
  return Math.floor((a + 0.5) / b);
}

/**
 * e^x with x held within ±88: beyond that f32 has no number for it, and WGSL leaves open what an
 * overflow gives. What the callers divide by it, or add it to, is below 1e-33 of the rest by then.
 *
 * WGSL's exp may be off by 3 + 2|x| units in the last place, 94 at 45. So it only sees what is left
 * of x beside a multiple of ln 2, which is subtracted in two parts of which the first has few bits
 * (Cody & Waite 1980); 2ⁿ is built by squaring.
 */
export function boundedExp(x: number): number {
  const held = Math.max(Math.min(x, 88), -88);
  const n = Math.floor(held * Math.LOG2E + 0.5);
  const rest = held - n * 0.693359375 + n * 0.00021219444005469057;
  let square = 2;
  if (n < 0) square = 0.5;
  let count = Math.abs(n);
  let power = 1;
  for (let bit = 0; bit < 7; bit++) {
    const half = Math.floor(count * 0.5);
    if (count - 2 * half > 0.5) power *= square;
    if (bit < 6) square *= square;
    count = half;
  }
  return Math.exp(rest) * power;
}

/**
 * e^(z − peak), 1 where they are equal: also where both have left f32's range, and their difference
 * is not a number.
 */
export function relativeExp(z: number, peak: number): number {
  if (z === peak) return 1;
  return Math.exp(z - peak);
}

/**
 * erfc(z) to 1.2e-7 relative: Chebyshev fit of Press et al. 1992, Numerical Recipes in C, §6.2
 * (`erfcc`). The reference's series and continued fraction would be 150 steps a number, for digits
 * that f32 does not have.
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
