/** Random problems for fits, as rows and as the sums over them. */
import { fc } from '@fast-check/vitest';
import { gram } from '../../src/ops/gram.ts';
import { NormalEquations, type FitShape } from '../../src/repair/normalEquations.ts';

/** Rows of inputs A [rows, inputs] and of what is missing R [rows, outputs]. */
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

/** Sums over groups of rows of the given size, each group's in f32 as a backend gives it, or f64. */
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
