import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  formatChange,
  formatCount,
  formatParameters,
  formatPercent,
  formatPerplexity,
  formatRound,
  formatSeconds,
  formatSignificant,
  plural,
} from '../../../src/prune/report/numbers.ts';

const magnitude = fc.double({ min: 1e-300, max: 1e300, noNaN: true });

/** Reads back what the formatter wrote, superscripts included. */
function read(text: string): number {
  const [mantissa, power] = text.includes('10') && /[⁰¹²³⁴⁵⁶⁷⁸⁹]/.test(text) ? split(text) : [text, '0'];
  return Number(`${mantissa.replaceAll(',', '')}e${power}`);
}

function split(text: string): [string, string] {
  const at = text.lastIndexOf('10');
  const digits = Array.from(text.slice(at + 2), (sign) => (sign === '⁻' ? '-' : '⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(sign))).join('');
  return [at === 0 ? '1' : text.slice(0, at - 1), digits];
}

describe('numbers for people', () => {
  test.prop([magnitude, fc.integer({ min: 2, max: 6 })])('keep their significant digits', (value, digits) => {
    expect(Math.abs(read(formatSignificant(value, digits)) / value - 1)).toBeLessThan(0.51 * 10 ** (1 - digits));
  });

  test.prop([fc.double({ min: 0.1, max: 1e30, noNaN: true })])(
    'a perplexity is short and true to half a per cent',
    (ppl) => {
      const text = formatPerplexity(ppl);
      expect(text.length).toBeLessThanOrEqual(11);
      expect(Math.abs(read(text) - ppl)).toBeLessThanOrEqual(Math.max(0.0051, 5e-4 * ppl));
    },
  );

  test.prop([magnitude, magnitude])('a change always reads as more, less, times or beyond measure', (value, base) => {
    expect(formatChange(value, base)).toMatch(/^([+±−][\d,.]+\u00A0%|×[\d,.·⁰¹²³⁴⁵⁶⁷⁸⁹]+|beyond measure)$/);
  });

  test.each([
    [formatSignificant(19.234), '19.2'],
    [formatSignificant(0), '0'],
    [formatSignificant(12345.6), '12,346'],
    [formatSignificant(575631875), '5.76·10⁸'],
    [formatSignificant(1e30), '10³⁰'],
    [formatSignificant(0.0000123), '1.23·10⁻⁵'],
    [formatSignificant(-2.5, 2), '−2.5'],
    [formatRound(10000), '10,000'],
    [formatRound(17.5), '17.5'],
    [formatRound(20), '20'],
    [formatPerplexity(19.2), '19.20'],
    [formatPerplexity(null, 'infinite'), 'infinite'],
    [formatPerplexity(null, 'nan'), 'not a number'],
    [formatPercent(0.1421), '14.2\u00A0%'],
    [formatPercent(0.0066), '0.66\u00A0%'],
    [formatPercent(0), '0\u00A0%'],
    [formatChange(23.9, 19.2), '+24.5\u00A0%'],
    [formatChange(18.9, 19.2), '−1.56\u00A0%'],
    [formatChange(20, 20), '±0\u00A0%'],
    [formatChange(20, 0), 'beyond measure'],
    [formatParameters(134515008), '134.5\u00A0M'],
    [formatParameters(999), '999'],
    [formatCount(134515008), '134,515,008'],
    [formatSeconds(50.5), '50.5\u00A0s'],
    [formatSeconds(725), '12\u00A0min 5\u00A0s'],
    [formatSeconds(12010), '3\u00A0h 20\u00A0min'],
    [plural(1, 'block'), '1 block'],
    [plural(12, 'block'), '12 blocks'],
  ])('%s', (written, expected) => {
    expect(written).toBe(expected);
  });
});
