import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { causalAttention } from '../../src/ops/causalAttention.ts';
import { causalAttentionBackward } from '../../src/ops/causalAttentionBackward.ts';
import { seeds } from '../arbitraries.ts';
import { doubles, expectDerivative, inner } from './differences.ts';

const shape = fc.record({
  numKvHeads: fc.integer({ min: 1, max: 2 }),
  headsPerKey: fc.integer({ min: 1, max: 3 }),
  headDim: fc.integer({ min: 1, max: 4 }),
  seqLen: fc.integer({ min: 1, max: 6 }),
  window: fc.option(fc.integer({ min: 1, max: 6 })),
  sequences: fc.integer({ min: 1, max: 2 }),
});

describe('the backward of causalAttention', () => {
  test.prop([shape, seeds], { numRuns: 40 })(
    'is what differences of the forward say, with grouped heads and windows',
    ({ sequences, headsPerKey, ...rest }, seed) => {
      const spec = { ...rest, numHeads: headsPerKey * rest.numKvHeads, keyLen: rest.seqLen };
      const rows = sequences * spec.seqLen;
      const [wide, narrow] = [rows * spec.numHeads * spec.headDim, rows * spec.numKvHeads * spec.headDim];
      const [q, k, v] = [doubles(seed, wide), doubles(seed + 1, narrow), doubles(seed + 2, narrow)];
      const dy = doubles(seed + 3, wide);
      const loss = (): number => {
        const y = new Float64Array(wide);
        causalAttention(y, q, k, v, sequences, spec);
        return inner(y, dy);
      };
      const [dq, dk, dv] = [new Float64Array(wide), new Float64Array(narrow), new Float64Array(narrow)];
      causalAttentionBackward(dq, dk, dv, dy, q, k, v, sequences, spec);
      expectDerivative(dq, loss, q);
      expectDerivative(dk, loss, k);
      expectDerivative(dv, loss, v);
    },
  );

  it('gives a key that no query but its own sees its own slope alone', () => {
    const spec = { numHeads: 1, numKvHeads: 1, headDim: 2, seqLen: 3, window: 1 };
    const [q, k, v, dy] = [doubles(1, 6), doubles(2, 6), doubles(3, 6), doubles(4, 6)];
    const [dq, dk, dv] = [new Float64Array(6), new Float64Array(6), new Float64Array(6)];
    causalAttentionBackward(dq, dk, dv, dy, q, k, v, 1, spec);
    expect([...dv]).toEqual([...dy]);
    expect([...dq, ...dk].map(Math.abs)).toEqual(Array.from({ length: 12 }, () => 0));
  });
});
