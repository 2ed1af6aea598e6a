import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { changed, percent } from '../../src/cli/figures.ts';
import {
  formatChange,
  formatCount,
  formatPairedChange,
  formatParameters,
  formatPercent,
  formatRound,
  formatSeconds,
  formatSignificant,
  plural,
} from '../../src/drawing/numbers.ts';

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

  test.prop([fc.double({ min: -10, max: 10, noNaN: true })])('a percentage has one reading', (share) => {
    const [, sign, digits] = /^(−?)([\d.]+)\u00A0%$/.exec(formatPercent(share)) ?? [];
    const written = (sign === '' ? 1 : -1) * Number(digits);
    const fine = Math.abs(written) < 10;
    expect(Math.abs(written - 100 * share)).toBeLessThan(fine ? 0.00501 : 0.0501);
    expect(digits).toBe(share === 0 ? '0' : Math.abs(written).toFixed(fine ? 2 : 1));
  });

  test.prop([fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.double({ min: 1e-3, max: 9.9, noNaN: true })])(
    'a change is a signed percentage',
    (base, factor) => {
      const value = base * factor;
      const share = value / base - 1;
      const expected = Math.abs(share) < 5e-5 ? '±0\u00A0%' : (share > 0 ? '+' : '') + formatPercent(share);
      expect(formatChange(value, base)).toBe(expected);
    },
  );

  test.prop([fc.double({ min: -2, max: 2, noNaN: true })])(
    'the terminal writes the same, with plain spaces',
    (share) => {
      expect(percent(share)).toBe(formatPercent(share).replace('\u00A0', ' '));
      expect(changed(3 + share, 3)).toBe(formatChange(3 + share, 3).replace('\u00A0', ' '));
    },
  );

  it.each([
    [Math.log(1.244), 0.0068, '+24.40 ± 0.85 %'],
    [Math.log(1.2), 0.1, '+20 ± 12 %'],
    [Math.log(0.986), 0.002, '−1.40 ± 0.20 %'],
    [0, 0, '+0.00 ± 0.00 %'],
    [1e-6, 1e-7, '+0.0001 ± 0.0000 %'],
    [Math.log(12.34), 0.03, '×12.3 ± 0.37'],
    [Math.log(1.244), null, '+24.4 %'],
    [Math.log(12.34), null, '×12.3'],
    [800, 0.1, 'beyond measure'],
  ])('a change of %d ± %d nats is %s', (nats, error, text) => {
    expect(formatPairedChange(nats, error).replaceAll('\u00A0', ' ')).toBe(text);
  });

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
    [formatPercent(0.1421), '14.2\u00A0%'],
    [formatPercent(0.0066), '0.66\u00A0%'],
    [formatPercent(0.0994), '9.94\u00A0%'],
    [formatPercent(0.09996), '10.0\u00A0%'],
    [formatPercent(-0.0994), '−9.94\u00A0%'],
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
