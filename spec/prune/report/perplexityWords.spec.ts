import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { formatPerplexity } from '../../../src/prune/report/perplexityWords.ts';

describe('a perplexity in the report', () => {
  test.prop([fc.double({ min: 0.1, max: 999.9, noNaN: true })])('has two decimals below a thousand', (ppl) => {
    const words = formatPerplexity(ppl);
    expect(words).toMatch(/^\d+\.\d\d$/);
    expect(Math.abs(Number(words) - ppl)).toBeLessThan(0.00501);
  });

  test.prop([fc.double({ min: 1000, max: 1e30, noNaN: true })])('is short where it is large', (ppl) => {
    expect(formatPerplexity(ppl).length).toBeLessThanOrEqual(11);
  });

  test.each([
    [formatPerplexity(19.2), '19.20'],
    [formatPerplexity(12_345.6), '12,346'],
    [formatPerplexity(null, 'infinite'), 'infinite'],
    [formatPerplexity(null, 'nan'), 'not a number'],
    [formatPerplexity(null, 'dropped'), 'dropped'],
  ])('%s', (written, expected) => {
    expect(written).toBe(expected);
  });
});
