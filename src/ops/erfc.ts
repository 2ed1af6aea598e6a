/**
 * The complementary error function, which JavaScript lacks: the normal distribution's tail, for the
 * exact GELU.
 *
 * Shapes: a number → a number.
 *
 * Formula: erfc(x) = 1 − erf(x) = 2/√π ∫_x^∞ e^(−t²) dt. Near zero by the series erf(x) = 2/√π
 * e^(−x²) Σ_n 2ⁿ x^(2n+1) / (1·3·5 ⋯ (2n+1)), all of whose terms have one sign; further out by the
 * continued fraction √π e^(x²) erfc(x) = 1/(x + ½/(x + 1/(x + 3⁄2/(x + 2/(x + …))))); below zero by
 * erfc(−x) = 2 − erfc(x).
 *
 * Numerics: f64; relative error below 1e-13 wherever erfc(x) is a normal number (x < 26.5).
 *
 * Reference: Abramowitz & Stegun 1964, Handbook of Mathematical Functions, 7.1.6 (series) and
 * 7.1.14 (fraction).
 */

/**
 * Where the series hands over: beyond it 1 − erf(x) would cancel, before it the fraction converges
 * slowly.
 */
const SERIES_END = 1.5;
/** Steps after which the fraction has converged to f64 for every x ≥ SERIES_END. */
const FRACTION_STEPS = 150;

export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  return x < SERIES_END ? 1 - erfSeries(x) : erfcFraction(x);
}

function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function erfcFraction(x: number): number {
  let tail = x;
  for (let n = FRACTION_STEPS; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}
