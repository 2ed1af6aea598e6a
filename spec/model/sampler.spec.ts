import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { argmax, checkSampling, greedy, sampleToken, type SamplingSettings } from '../../src/model/sampler.ts';
import { seededRng, type Rng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';

/** Few distinct values, so that ties are common. */
const someLogits = fc
  .array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: -8, max: 8, noNaN: true })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((values) => Float32Array.from(values));

const someSettings: fc.Arbitrary<SamplingSettings> = fc.record({
  temperature: fc.double({ min: 0.1, max: 4, noNaN: true }),
  topK: fc.nat(14),
  topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
});

/** A generator whose next uniform is `u`. */
function fixedRng(u: number): Rng {
  return { ...seededRng(0), uniform: () => u };
}

/** Share of the interval [0, 1) of uniforms that draws each id, on a fine grid. */
function shares(logits: Float32Array, settings: SamplingSettings): number[] {
  const cells = 2000;
  const counts = Array.from(logits, () => 0);
  for (let cell = 0; cell < cells; cell++) {
    counts[sampleToken(logits, settings, fixedRng((cell + 0.5) / cells))] += 1 / cells;
  }
  return counts;
}

describe('sampleToken', () => {
  test.prop([someLogits])('greedy takes the highest logit, and the lowest id among equals', (logits) => {
    const highest = Math.max(...logits);
    expect(sampleToken(logits, greedy, fixedRng(0.999))).toBe(logits.indexOf(highest));
    expect(argmax(logits)).toBe(logits.indexOf(highest));
  });

  test.prop([someLogits, someSettings], { numRuns: 60 })(
    'draws what top-k and top-p keep, in proportion to its probability',
    (logits, { temperature, topK, topP }) => {
      const ranked = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b);
      const kept = ranked.slice(0, topK === 0 ? undefined : topK);
      const weights = kept.map((id) => Math.exp(logits[id] / temperature));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      // A token is in the nucleus if those before it do not reach p.
      let before = 0;
      const nucleus = new Map<number, number>();
      for (const [rank, id] of kept.entries()) {
        // Where rounding decides whether p was reached, both answers are right.
        fc.pre(rank === 0 || Math.abs(before - topP) > 1e-9);
        if (rank === 0 || before < topP) nucleus.set(id, weights[rank] / total);
        before += weights[rank] / total;
      }
      const mass = [...nucleus.values()].reduce((sum, share) => sum + share, 0);
      for (const [id, share] of shares(logits, { temperature, topK, topP }).entries()) {
        const want = (nucleus.get(id) ?? 0) / mass;
        // A share is an interval: its ends fall between grid points.
        expect(Math.abs(share - want)).toBeLessThan(1.01 / 2000);
        if (want === 0) expect(share).toBe(0);
      }
    },
  );

  test.prop([someLogits, someSettings, seeds])('the same seed draws the same tokens', (logits, settings, seed) => {
    const draw = (): number[] => {
      const rng = seededRng(seed);
      return Array.from({ length: 10 }, () => sampleToken(logits, settings, rng));
    };
    expect(draw()).toEqual(draw());
  });

  it('draws each token about as often as it is likely', () => {
    const rng = seededRng(7);
    const logits = Float32Array.of(Math.log(0.5), Math.log(0.3), Math.log(0.15), Math.log(0.05));
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 10_000; i++) counts[sampleToken(logits, { temperature: 1, topK: 0, topP: 1 }, rng)]++;
    for (const [id, share] of [0.5, 0.3, 0.15, 0.05].entries()) {
      // Four standard deviations of a binomial count.
      expect(Math.abs(counts[id] - share * 10_000)).toBeLessThan(4 * Math.sqrt(share * (1 - share) * 10_000));
    }
  });

  it.each([1e-3, 1, 100])('does not overflow at temperature %d', (temperature) => {
    const logits = Float32Array.of(-3e38, 3e38, -3e38);
    expect(sampleToken(logits, { temperature, topK: 0, topP: 1 }, fixedRng(0.99))).toBe(1);
  });
});

describe('checkSampling', () => {
  it.each<Partial<SamplingSettings>>([
    { temperature: -1 },
    { temperature: NaN },
    { temperature: Infinity },
    { topK: -1 },
    { topK: 1.5 },
    { topK: NaN },
    { topP: 0 },
    { topP: 1.01 },
    { topP: NaN },
  ])('refuses %o', (wrong) => {
    expect(() => checkSampling({ ...greedy, ...wrong })).toThrow(UsageError);
    expect(() => checkSampling({ ...greedy, ...wrong })).toThrow(/--(temperature|top-k|top-p)/);
  });

  test.prop([someSettings])('accepts what is in range', (settings) => checkSampling(settings));
});
