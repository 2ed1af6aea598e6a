/**
 * How surprised each row is by its target token, with the LM head taken tile by tile so that logits
 * are never stored.
 *
 * Shapes: x [rows, inFeatures], tile [outFeatures, inFeatures] = the head's rows firstId … firstId
 * + outFeatures − 1, targets [rows] → sums of three f64 a row, then out [rows] in nats. Target −1 =
 * none: its result is NaN.
 *
 * Formula: nll = ln Σ_v e^(z_v) − z_target, with the logits z = x Wᵀ. The sum is kept as (m, s)
 * with m = max z so far and s = Σ e^(z − m); a new maximum m′ rescales s by e^(m − m′), so nothing
 * overflows however large the logits are.
 *
 * Numerics: logits in f64; the sum in f64 (`NllSum` tells of the other one), one logit after the
 * other: the result is bit-equal however the head is cut into tiles. A logit of −∞ is an id that
 * cannot come: it adds nothing.
 *
 * Reference: Milakov & Gimelshein 2018, Online normalizer calculation for softmax, §3.
 */
import { dot } from './dot.ts';
import type { Floats } from './floats.ts';

/**
 * How Σ e^z over the vocabulary is kept.
 * - `f64`: right to the last digits.
 * - `f32`: one running f32 sum in the order of ids, so that terms below 6e-8 of what has come
 *   before are lost. That is what PyTorch's log-softmax along a strided axis does on a CPU, which
 *   the official BlockPruner code calls; over SmolLM2's 49,152 ids it makes every NLL about 1.3e-4
 *   too small. Only for comparison with figures of that code.
 */
export type NllSum = 'f64' | 'f32';

/** What a row remembers of the vocabulary seen so far. */
export interface NllSums {
  /** m, [rows]; −∞ before the first logit. */
  max: Float64Array;
  /** s = Σ e^(z − m), [rows]. */
  sum: Float64Array;
  /** z_target, [rows]; NaN until the tile that holds it came by. */
  target: Float64Array;
}

export function startNll(rows: number): NllSums {
  return {
    max: new Float64Array(rows).fill(-Infinity),
    sum: new Float64Array(rows),
    target: new Float64Array(rows).fill(NaN),
  };
}

/** Folds one tile of the vocabulary into `sums`, in place. */
export function foldNllTile(
  sums: NllSums,
  x: Floats,
  tile: Floats,
  bias: Floats | null,
  firstId: number,
  targets: Int32Array,
  rows: number,
  inFeatures: number,
  outFeatures: number,
  precision: NllSum = 'f64',
): void {
  const rounded = precision === 'f32' ? Math.fround : (value: number): number => value;
  for (let row = 0; row < rows; row++) {
    let max = sums.max[row];
    let sum = sums.sum[row];
    for (let feature = 0; feature < outFeatures; feature++) {
      const logit = dot(x, row * inFeatures, tile, feature * inFeatures, inFeatures) + (bias?.[feature] ?? 0);
      if (firstId + feature === targets[row]) sums.target[row] = logit;
      if (logit === -Infinity) continue;
      if (logit > max) {
        sum *= Math.exp(max - logit);
        max = logit;
      }
      sum = rounded(sum + Math.exp(logit - max));
    }
    sums.max[row] = max;
    sums.sum[row] = sum;
  }
}

/** out = ln s + m − z_target, [rows]. */
export function finishNll(out: Float32Array, sums: NllSums, rows: number): void {
  for (let row = 0; row < rows; row++) out[row] = Math.log(sums.sum[row]) + sums.max[row] - sums.target[row];
}
