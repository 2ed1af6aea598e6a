import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { scoreChunk } from '../../../src/eval/perplexity.ts';
import { cutLosses, segmentNats, segmentShares } from '../../../src/prune/race/raceSegments.ts';
import { seededRng } from '../../../src/tensor/rng.ts';
import { seeds } from '../../arbitraries.ts';
import { tinyChunks } from '../tinySearch.ts';

test.prop([
  seeds,
  fc.integer({ min: 2, max: 1100 }),
  fc.option(fc.nat(36), { nil: null }),
  fc.integer({ min: 1, max: 1100 }),
])(
  'segments hold what counts in their chunk, whatever is ignored or scored before',
  (seed, chunk, ignoredId, stride) => {
    const chunks = tinyChunks(seed, 2, chunk, { ignoredId, stride: Math.min(stride, chunk) });
    const rng = seededRng(seed);
    const nll = Float32Array.from({ length: chunk - 1 }, () => 10 * rng.uniform());
    for (const index of [0, 1]) {
      const { nats, targets } = scoreChunk(chunks, index, nll);
      const sums = segmentNats(chunks, index, nll);
      const shares = segmentShares(chunks, index);
      expect(sums).toHaveLength(shares.length);
      expect(shares.length).toBeLessThanOrEqual(128);
      expect(Math.abs(sums.reduce((a, b) => a + b, 0) - nats)).toBeLessThanOrEqual(1e-5 * nats);
      if (targets === 0) expect(shares.every(Number.isNaN)).toBe(true);
      else expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      for (const [segment, sum] of sums.entries()) if (sum > 0) expect(shares[segment]).toBeGreaterThan(0);
    }
  },
);

it.each([
  [1, 1],
  [4, 1],
  [5, 2],
  [127, 32],
  [511, 128],
  [2047, 128],
])('%i targets make %i segments', (targets, segments) => {
  const counts = [...cutLosses(targets, () => 1)];
  expect(counts).toHaveLength(segments);
  expect(counts.reduce((a, b) => a + b, 0)).toBe(targets);
});
