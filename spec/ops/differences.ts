/** Derivatives by differences in f64: what every backward is checked against. */
import { expect } from 'vitest';
import { seededRng } from '../../src/tensor/rng.ts';

/** Standard normals in f64. */
export function doubles(seed: number, length: number): Float64Array {
  const rng = seededRng(seed);
  return Float64Array.from({ length }, () => rng.normal());
}

/**
 * Σ x_i y_i: makes a loss of an op's result, whose derivative with respect to the result is the
 * other factor.
 */
export function inner(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/**
 * ∂loss/∂data_i: central differences with steps h, h/2 and h/4, extrapolated (Richardson), so that
 * the error is of order h⁶. `data` is changed in place while `loss` is called, and put back.
 */
export function difference(loss: () => number, data: Float64Array, i: number, h = 2e-3): number {
  const kept = data[i];
  const central = (step: number): number => {
    data[i] = kept + step;
    const above = loss();
    data[i] = kept - step;
    const below = loss();
    data[i] = kept;
    return (above - below) / (2 * step);
  };
  const [wide, middle, narrow] = [central(h), central(h / 2), central(h / 4)];
  const [first, second] = [(4 * middle - wide) / 3, (4 * narrow - middle) / 3];
  return (16 * second - first) / 15;
}

/** Expects `found` to be the derivative of `loss` by `data`, to 1e-6 of its length. */
export function expectDerivative(found: Float64Array, loss: () => number, data: Float64Array): void {
  const wanted = data.map((_, i) => difference(loss, data, i));
  const error = Math.hypot(...found.map((value, i) => value - wanted[i]));
  expect(error).toBeLessThanOrEqual(1e-6 * Math.hypot(...wanted) + 1e-9);
}
