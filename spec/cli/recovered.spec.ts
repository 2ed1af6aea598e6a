import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { recoveredText } from '../../src/cli/recovered.ts';
import { recoveredShare } from '../../src/train/recovered.ts';

describe('what healing brought back', () => {
  it.each([
    [10, 20, 15, 0.5, 'healing brought back 50.0 % of what pruning lost'],
    [10, 20, 20, 0, 'healing brought back 0 % of what pruning lost'],
    [10, 20, 10, 1, 'healing brought back 100.0 % of what pruning lost'],
    [10, 20, 9, 1.1, 'healing brought back all of what pruning lost, and more'],
    [10, 20, 22, -0.2, 'healing did not help: the perplexity rose by 10.0 %'],
    [10, 10, 8, null, 'pruning cost less than 0.1 % of the perplexity; healing lowered it by 20.0 %'],
    [10, 10, 11, null, 'pruning cost less than 0.1 % of the perplexity; healing raised it by 10.0 %'],
    [10, 10, 10, null, 'pruning cost less than 0.1 % of the perplexity; healing left it as it was'],
    [10, 10.005, 9, null, 'pruning cost less than 0.1 % of the perplexity; healing lowered it by 10.0 %'],
    [10, 8, 9, null, 'pruning cost nothing, the perplexity fell; healing raised it by 12.5 %'],
    [10, 8, 6, null, 'pruning cost nothing, the perplexity fell; healing lowered it by 25.0 %'],
    [10, Infinity, 12, null, 'a perplexity is not finite, so what was brought back cannot be stated'],
    [10, 20, NaN, null, 'a perplexity is not finite, so what was brought back cannot be stated'],
    [Infinity, 20, 10, null, 'a perplexity is not finite, so what was brought back cannot be stated'],
  ])('dense %d, pruned %d, healed %d: %s', (dense, pruned, healed, share, text) => {
    if (share === null) expect(recoveredShare(dense, pruned, healed)).toBeNull();
    else expect(recoveredShare(dense, pruned, healed)).toBeCloseTo(share, 12);
    expect(recoveredText(dense, pruned, healed)).toBe(text);
  });

  const ppl = fc.double({ min: 1, max: 1e6, noNaN: true });
  test.prop([ppl, ppl, ppl])('is never a figure that says nothing', (dense, pruned, healed) => {
    expect(recoveredText(dense, pruned, healed)).not.toMatch(/NaN|Infinity|−|-\d/);
    const share = recoveredShare(dense, pruned, healed);
    if (share !== null) expect(Number.isFinite(share)).toBe(true);
    // A document holds no number that JSON has not.
    expect(JSON.parse(JSON.stringify({ share }))).toEqual({ share });
  });
});
