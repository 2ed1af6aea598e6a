import { expect } from 'vitest';
import type { Oracle } from './oracles.ts';

/** How far a backend may be from the oracle. */
export interface Limits {
  /** Σ (a − b)² / Σ b², for elementwise ops and for those that add up rows. */
  elementwiseNmse: number;
  reductionNmse: number;
  /**
   * Each value: |a − b| ≤ 2⁻²³ · (resultUlps · |b| + termUlps · max(1, √n/4) · Σ |terms of b|) for
   * n terms. The sum is rounded n times, by up to half a unit of what it is by then: evenly spread,
   * that makes a standard deviation of √(n/12) units. Eight units are seven of these for 16 terms,
   * and 2√n for more.
   */
  resultUlps: number;
  termUlps: number;
}

/** f32's machine epsilon. */
const EPSILON = 2 ** -23;
/** Results this small may be flushed to zero. */
const FLOOR = 1e-30;

/** Normalised mean squared error; 0 where both are all zero. */
export function normalisedError(found: Float32Array, expected: Float64Array): number {
  let error = 0;
  let size = 0;
  for (const [index, value] of expected.entries()) {
    error += (found[index] - value) ** 2;
    size += value ** 2;
  }
  return error === 0 ? 0 : error / size;
}

/** The largest |a − b| as a multiple of what the limits allow it; ≤ 1 passes, NaN does not. */
export function worstError(found: Float32Array, oracle: Oracle, limits: Limits): number {
  const termUlps = limits.termUlps * Math.max(1, Math.sqrt(oracle.count ?? 1) / 4);
  let worst = 0;
  for (const [index, value] of oracle.values.entries()) {
    const allowed = limits.resultUlps * Math.abs(value) + termUlps * oracle.terms[index];
    const error = Math.abs(found[index] - value) / (FLOOR + EPSILON * allowed);
    if (Number.isNaN(error)) return Infinity;
    worst = Math.max(worst, error);
  }
  return worst;
}

/** Equal bit for bit: −0 is not 0, and a NaN is itself. */
export function expectSameBits(found: Float32Array, expected: Float32Array): void {
  expect(found).toHaveLength(expected.length);
  const [a, b] = [found, expected].map((x) => new Uint32Array(x.buffer, x.byteOffset, x.length));
  const at = a.findIndex((bits, index) => bits !== b[index]);
  if (at >= 0) expect.fail(`element ${at} is ${found[at]}, expected ${expected[at]} bit for bit`);
}
