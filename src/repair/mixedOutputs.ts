/**
 * A fit with fewer outputs that is as good a guide to the ridge: outputs are added up in a few
 * mixtures, each with a random sign.
 *
 * The error of a mixture is the sum of its outputs' errors with these signs. Squared, it is the sum
 * of their squares plus products of different outputs' errors, which have mean 0 over the signs. So
 * the error over all mixtures is, but for chance, the error over all outputs; and since Δ is linear
 * in R, solving for a mixture is mixing the solutions. A grid of ridges is searched at the price of
 * these few outputs.
 *
 * Reference: Charikar, Chen & Farach-Colton 2002, Finding frequent items in data streams (the count
 * sketch).
 */
import { seededRng } from '../tensor/rng.ts';
import type { FitSums } from './normalEquations.ts';

/** The same signs in every run. */
const SEED = 20_020_708;

/** Sums in which the outputs are mixed into `count`; the same sums where they are no more. */
export function mixOutputs(sums: FitSums, count: number): FitSums {
  const { inputs, outputs, bias } = sums.shape;
  if (outputs <= count) return sums;
  const rng = seededRng(SEED);
  const cross = new Float64Array(count * inputs);
  const outputSums = new Float64Array(count);
  for (let output = 0; output < outputs; output++) {
    const sign = rng.int(2) === 0 ? 1 : -1;
    const mixture = output % count;
    outputSums[mixture] += sign * sums.outputSums[output];
    for (let i = 0; i < inputs; i++) cross[mixture * inputs + i] += sign * sums.cross[output * inputs + i];
  }
  return { ...sums, shape: { inputs, outputs: count, bias }, cross, outputSums };
}
