/** Numbers as a terminal shows them. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { byteSize, figure, lossWords, sparkline, table } from '../../src/cli/figures.ts';

const perplexities = fc.double({ min: 1, max: 1e12, noNaN: true });

describe('figure', () => {
  test.prop([perplexities])('is the number itself to five significant digits', (value) => {
    expect(Math.abs(Number(figure(value)) / value - 1)).toBeLessThanOrEqual(5e-4);
    if (value < 1e6) expect(Math.abs(Number(figure(value)) / value - 1)).toBeLessThanOrEqual(5e-5);
    expect(figure(value).length).toBeLessThanOrEqual(9);
  });

  test.prop([perplexities, perplexities])('never turns two numbers round', (a, b) => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    expect(Number(figure(low))).toBeLessThanOrEqual(Number(figure(high)));
  });

  it.each<[number | null, 'infinite' | 'nan' | undefined, string]>([
    [3.0287493, undefined, '3.0287'],
    [12_345.67, undefined, '12345.7'],
    [999_999.4, undefined, '999999'],
    [1_234_567, undefined, '1.235e+6'],
    [Infinity, undefined, 'infinite'],
    [null, 'infinite', 'infinite'],
    [null, undefined, 'not a number'],
    [NaN, undefined, 'not a number'],
  ])('%s (%s) is %s', (value, status, words) => {
    expect(figure(value, status as Parameters<typeof figure>[1])).toBe(words);
  });
});

describe('lossWords', () => {
  const found = { ppl: Math.exp(1.5), nll: 1.5, natsPerToken: 1.5, bitsPerByte: 2.16404, standardError: null };
  it.each([
    [found, '1.50000 nats per token; 2.1640 bits per byte'],
    [{ ...found, bitsPerByte: null }, '1.50000 nats per token'],
    // Chunks of unequal weight: perplexity is exp of another mean, and both are named.
    [
      { ...found, natsPerToken: 1.51 },
      'exp of 1.50000, the mean of chunk means; 1.51000 nats per token; 2.1640 bits per byte',
    ],
  ])('%#', (perplexity, words) => {
    expect(lossWords({ ...perplexity, scoredTokens: 10 })).toBe(words);
  });
});

describe('byteSize', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [98_362_432, '93.8 MiB'],
    [2 ** 40, '1.0 TiB'],
    [2 ** 52, '4096.0 TiB'],
  ])('%d bytes are %s', (bytes, words) => {
    expect(byteSize(bytes)).toBe(words);
  });

  test.prop([fc.integer({ min: 1024, max: 2 ** 50 })])('says the size to a twentieth of a unit', (bytes) => {
    const [number, unit] = byteSize(bytes).split(' ');
    const scale = 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit);
    expect(Math.abs(Number(number) * scale - bytes)).toBeLessThanOrEqual(0.0501 * scale);
    expect(Number(number)).toBeLessThanOrEqual(1024);
  });
});

describe('table', () => {
  const cells = fc.stringMatching(/^[a-z0-9.]{1,9}$/);
  const tables = fc.integer({ min: 1, max: 5 }).chain((columns) =>
    fc.record({
      header: fc.array(fc.tuple(fc.boolean(), cells), { minLength: columns, maxLength: columns }),
      rows: fc.array(fc.array(cells, { minLength: columns, maxLength: columns }), { maxLength: 5 }),
    }),
  );

  test.prop([tables])(
    'has every cell in its place, columns aligned and no blank at a line’s end',
    ({ header, rows }) => {
      const lines = table(
        header.map(([right, title]) => (right ? `>${title}` : title)),
        rows,
      ).split('\n');
      expect(lines.map((line) => line.trim().split(/ +/))).toEqual([header.map(([, title]) => title), ...rows]);
      for (const line of lines) expect(line).toBe(line.trimEnd());
      // The edge that a column is aligned to is the same in every line.
      let from = 0;
      header.forEach(([right], column) => {
        const width = Math.max(...[header.map(([, title]) => title), ...rows].map((row) => row[column].length));
        for (const line of lines) {
          const cell = line.slice(from, from + width);
          if (right) expect(cell.at(-1)).not.toBe(' ');
          else expect(cell[0]).not.toBe(' ');
        }
        from += width + 2;
      });
    },
  );
});

describe('sparkline', () => {
  test.prop([fc.array(perplexities, { minLength: 1, maxLength: 30 })])(
    'has a bar a value, none lower for more',
    (values) => {
      const bars = [...sparkline(values)];
      expect(bars).toHaveLength(values.length);
      for (let i = 0; i < values.length; i++)
        for (let j = 0; j < i; j++) if (values[i] <= values[j]) expect(bars[i] <= bars[j]).toBe(true);
      if (Math.max(...values) > Math.min(...values)) expect([...bars].toSorted().at(-1)).toBe('█');
    },
  );

  it('tells values apart whose logarithms are equal', () => {
    expect(sparkline([999999999999.9973, 999999999999.9974])).toBe('▁█');
  });

  it('marks what is not a number', () => {
    expect(sparkline([3, null, 6])).toBe('▁×█');
  });
});
