/**
 * What several specs draw: seeds, odd sizes, and arrays of numbers that are hard on floating point.
 */
import { fc } from '@fast-check/vitest';
import { seededRng, type Rng } from '../src/tensor/rng.ts';

export const seeds: fc.Arbitrary<number> = fc.nat(0xffffffff);

/** Sizes around the widths of vectors and tiles (4, 6, 8), and a few larger ones. */
export const sizes: fc.Arbitrary<number> = fc.oneof(fc.integer({ min: 1, max: 18 }), fc.constantFrom(31, 33, 64, 65));

/**
 * How the numbers of an array are spread.
 * - normal: mean 0, variance 1
 * - outliers: normal, but one in sixteen is 20 … 10⁴ times as large, as in real activations
 * - cancelling: ±100 in turn with little on top, so that sums nearly vanish against their terms
 * - offset: 1000 with little on top, so that a variance taken as mean x² − mean² would cancel
 * - tiny: around 10⁻²⁰, whose squares are below f32's range
 */
export type Flavour = 'normal' | 'outliers' | 'cancelling' | 'offset' | 'tiny';

const draws: Record<Flavour, (rng: Rng, index: number) => number> = {
  normal: (rng) => rng.normal(),
  outliers: (rng) => rng.normal() * (rng.int(16) === 0 ? 20 * 500 ** rng.uniform() : 1),
  cancelling: (rng, index) => (index % 2 === 0 ? 100 : -100) + rng.normal() * 1e-2,
  offset: (rng) => 1000 + rng.normal(),
  tiny: (rng) => rng.normal() * 1e-20,
};

export const flavours: readonly Flavour[] = ['normal', 'outliers', 'cancelling', 'offset', 'tiny'];

export const someFlavour: fc.Arbitrary<Flavour> = fc.constantFrom(...flavours);

/** `length` numbers of a flavour; the same for the same generator state. */
export function drawArray(rng: Rng, length: number, flavour: Flavour = 'normal'): Float32Array {
  return Float32Array.from({ length }, (_, index) => draws[flavour](rng, index));
}

/** `length` standard normal numbers from a seed. */
export function normals(seed: number, length: number): Float32Array {
  return drawArray(seededRng(seed), length);
}
