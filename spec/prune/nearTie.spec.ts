import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { nearTie } from '../../src/prune/nearTie.ts';
import type { ScoredCandidate } from '../../src/prune/events.ts';

const scored = (name: string, ppl: number): ScoredCandidate => ({
  name,
  blocks: [],
  perplexity: {
    ppl,
    nll: Math.log(ppl),
    natsPerToken: Math.log(ppl),
    standardError: null,
    bitsPerByte: null,
    scoredTokens: 1,
  },
});

describe('nearTie', () => {
  test.prop([
    fc.constantFrom(1e-7, 5e-6, 1e-5),
    fc.double({ min: 1, max: 1e6, noNaN: true }),
    fc.oneof(fc.constantFrom(0, 0.5, 1.9, 2.1, 4), fc.double({ min: 0, max: 100, noNaN: true })),
  ])('names the runner-up within twice the noise, and none beyond', (noise, ppl, noises) => {
    fc.pre(Math.abs(noises - 2) > 1e-3);
    const runnerUp = scored('L1.mlp', ppl * (1 + noises * noise));
    const expected = noises < 2 ? { block: 'L1.mlp', ppl: runnerUp.perplexity.ppl } : null;
    expect(nearTie(noise, scored('L0.mha', ppl), runnerUp)).toEqual(expected);
  });

  it('needs two candidates', () => {
    expect(nearTie(5e-6, null, null)).toBeNull();
    expect(nearTie(5e-6, scored('L0.mha', 5), null)).toBeNull();
  });
});
