/** Random problems for fits: as rows, as sums over them, and as errors taken row by row. */
import { fc } from '@fast-check/vitest';
import { gram } from '../../src/ops/gram.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import type { Change } from '../../src/repair/fitError.ts';
import { NormalEquations, type FitShape } from '../../src/repair/normalEquations.ts';
import { drawArray, seeds } from '../arbitraries.ts';

/** Rows of inputs A [count, inputs] and of what is missing R [count, outputs], all of them f32. */
export interface Rows {
  readonly shape: FitShape;
  readonly count: number;
  readonly a: Float64Array;
  readonly r: Float64Array;
}

export const shapes: fc.Arbitrary<FitShape> = fc.record({
  inputs: fc.integer({ min: 1, max: 40 }),
  outputs: fc.integer({ min: 1, max: 9 }),
  bias: fc.boolean(),
});

/**
 * What is hard on a fit.
 * - plain: normal inputs, more rows than inputs
 * - dead: inputs that are always 0
 * - few: fewer rows than inputs
 * - repeated: the same few rows again and again
 * - outliers: one input that reaches 10⁶
 * - constant: inputs that do not vary
 * - tiny: everything around 10⁻¹²
 */
export const hardships = ['plain', 'dead', 'few', 'repeated', 'outliers', 'constant', 'tiny'] as const;
export type Hardship = (typeof hardships)[number];

/** Rows to fit and rows to judge by, of one distribution: R is partly A X, the rest is noise. */
export interface Drawn {
  readonly fit: Rows;
  readonly heldOut: Rows;
  readonly weight: Float32Array;
  readonly bias: Float32Array | null;
}

export const problems: fc.Arbitrary<Drawn> = fc
  .tuple(shapes, seeds, fc.constantFrom(...hardships), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([shape, seed, hardship, noise]) => drawn(shape, seed, hardship, noise));

export function drawn(shape: FitShape, seed: number, hardship: Hardship, noise: number): Drawn {
  const rng = seededRng(seed);
  const { inputs, outputs, bias } = shape;
  const x = drawArray(rng, outputs * inputs);
  const scale = hardship === 'tiny' ? 1e-12 : 1;
  const means = drawArray(rng, outputs).map((mean) => scale * mean);
  const rows = (count: number): Rows => {
    const a = Float64Array.from({ length: count * inputs }, (_, index) => {
      const value = rng.normal();
      const [row, input] = [Math.floor(index / inputs), index % inputs];
      if (hardship === 'dead' && input % 3 !== 1) return 0;
      if (hardship === 'constant' && input % 2 === 0) return 3;
      if (hardship === 'outliers' && input === 0) return Math.fround(row % 8 === 0 ? 1e6 * value : value);
      return Math.fround(scale * value);
    });
    if (hardship === 'repeated') for (let i = 3 * inputs; i < a.length; i++) a[i] = a[i - 3 * inputs];
    const r = Float64Array.from({ length: count * outputs }, (_, index) => {
      const [row, output] = [Math.floor(index / outputs), index % outputs];
      let sum = bias ? means[output] : 0;
      for (let i = 0; i < inputs; i++) sum += a[row * inputs + i] * x[output * inputs + i];
      return Math.fround((1 - noise) * sum + noise * rng.normal() * scale);
    });
    return { shape, count, a, r };
  };
  const count = hardship === 'few' ? Math.max(2, inputs >> 1) : 2 * inputs + 8;
  const heldOut = rows(Math.max(2, count >> 1));
  return {
    fit: rows(count),
    heldOut,
    weight: drawArray(rng, outputs * inputs),
    bias: bias ? drawArray(rng, outputs) : null,
  };
}

/** [A | R | 1] of rows from ≤ row < to. */
export function joined({ shape, a, r }: Rows, from: number, to: number): Float64Array {
  const { inputs, outputs, bias } = shape;
  const width = inputs + outputs + (bias ? 1 : 0);
  const out = new Float64Array((to - from) * width).fill(1);
  for (let row = from; row < to; row++) {
    const at = (row - from) * width;
    out.set(a.subarray(row * inputs, (row + 1) * inputs), at);
    out.set(r.subarray(row * outputs, (row + 1) * outputs), at + inputs);
  }
  return out;
}

/**
 * Sums over groups of rows of the given size, each group's in f32 as a backend gives it, or f64.
 */
export function sumsOf(rows: Rows, group: number = rows.count, exact = false): NormalEquations {
  const sums = new NormalEquations(rows.shape);
  for (let from = 0; from < rows.count; from += group) {
    const to = Math.min(rows.count, from + group);
    const out = new (exact ? Float64Array : Float32Array)(sums.width ** 2);
    gram(out, joined(rows, from, to), to - from, sums.width);
    sums.add(out, to - from);
  }
  return sums;
}

/** Σ ‖R − A Δ − 1 βᵀ‖², row by row. */
export function squaresLeft({ shape, count, a, r }: Rows, { weight, bias }: Change): number {
  const { inputs, outputs } = shape;
  let squares = 0;
  for (let row = 0; row < count; row++) {
    for (let output = 0; output < outputs; output++) {
      let left = r[row * outputs + output] - (bias?.[output] ?? 0);
      for (let i = 0; i < inputs; i++) left -= a[row * inputs + i] * weight[output * inputs + i];
      squares += left * left;
    }
  }
  return squares;
}

/** What new values add to old ones. */
export function added(after: Float32Array | null, before: Float32Array): Float64Array {
  return Float64Array.from(before, (value, index) => (after === null ? 0 : after[index] - value));
}

export function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
