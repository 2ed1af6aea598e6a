import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { barLine, type BarPart } from '../../src/cli/barLine.ts';

const parts: BarPart[] = [
  { text: 'step 0:40 left', rank: 2 },
  { text: 'run 7:10 left', rank: 1 },
  { text: '1:05 elapsed', rank: 4 },
  { text: 'best L7.mha 18.2', rank: 3 },
  { text: '59 candidates', rank: 6 },
  { text: '812 tokens/s', rank: 5 },
];
const line = (columns: number): string => barLine('step 2 of 12', 0.43, parts, columns);

const someParts = fc
  .array(
    fc.record({ text: fc.constantFrom('', 'a', 'some words', 'x'.repeat(30)), rank: fc.integer({ min: 1, max: 9 }) }),
    { maxLength: 6 },
  )
  // Each is another, to be told apart.
  .map((some) => some.map(({ text, rank }, at) => ({ text: text === '' ? '' : `${text}${at}`, rank })));

describe('a line of the bar', () => {
  it('has all parts where there is room', () => {
    expect(line(140)).toBe(
      `step 2 of 12 ${'█'.repeat(10)}${'░'.repeat(14)} 43% · step 0:40 left · run 7:10 left · 1:05 elapsed · best L7.mha 18.2 · 59 candidates · 812 tokens/s`,
    );
  });

  it('leaves out by rank, and has the times and a bar in 60 columns', () => {
    expect(line(100)).not.toContain('candidates');
    expect(line(80)).toContain('best L7.mha 18.2');
    expect(line(80)).not.toContain('elapsed');
    expect(line(60)).toMatch(/^step 2 of 12 [█░]{8,9} 43% · step 0:40 left · run 7:10 left$/);
    expect(line(52)).toBe('step 2 of 12 43% · step 0:40 left · run 7:10 left');
    expect(line(40)).toMatch(/^step 2 of 12 43% · run 7:10 left$/);
    expect(line(15)).toBe('step 2 of 12 4');
  });

  test.prop([someParts, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 200 })])(
    'is never as wide as the terminal, and keeps lower ranks before higher ones',
    (some, fraction, columns) => {
      const text = barLine('step 1', fraction, some, columns);
      expect(text.length).toBeLessThanOrEqual(Math.max(1, columns - 1));
      const shown = text.split(' · ').slice(1);
      if (text.length === columns - 1) return;
      const left = some.filter((part) => part.text !== '');
      for (const one of shown)
        left.splice(
          left.findIndex((part) => part.text === one),
          1,
        );
      const ranks = some.filter((part) => part.text !== '' && !left.includes(part)).map(({ rank }) => rank);
      for (const { rank } of left) expect(rank).toBeGreaterThanOrEqual(Math.max(0, ...ranks));
    },
  );

  test.prop([fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 40, max: 120 })])(
    'has a bar as full as the fraction',
    (fraction, columns) => {
      const [bar = ''] = /[█░]+/.exec(barLine('step 1', fraction, [], columns)) ?? [];
      const full = bar.replaceAll('░', '').length;
      expect(Math.abs(full / bar.length - fraction)).toBeLessThanOrEqual(1 / bar.length);
    },
  );
});
