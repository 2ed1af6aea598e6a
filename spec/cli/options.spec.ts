/** The options of every command as they are declared. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { memorySize, number, wholeNumber } from '../../src/cli/options.ts';
import { commandOptions, rangeOf } from './cases/ranges.ts';

/** Options whose value is text. */
const texts = [
  '--config',
  '--data',
  '--eval',
  '--field',
  '--host',
  '--join',
  '--prompt',
  '--mask',
  '--model',
  '--out',
  '--run',
  '--valid',
  '--revision',
  '--stop',
  '--system',
  '--write',
];
/** Options whose readers have a table of their own. */
const others = ['--lanes', '--max-increase', '--memory', '--method', '--protect', '--ridge', '--set'];

describe('every option that takes a value', () => {
  const taking = commandOptions.filter(({ option }) => option.required || option.optional);
  it.each(taking.map((row) => [`${row.command} ${row.option.long}`, row.option] as const))(
    '%s has its choices or its range',
    (_, option) => {
      if (option.argChoices !== undefined || [...texts, ...others].includes(option.long ?? '')) return;
      const range = rangeOf(option);
      expect(range).not.toBeNull();
      if (option.defaultValue !== undefined)
        expect(option.parseArg?.(String(option.defaultValue), undefined)).toBe(option.defaultValue);
    },
  );
});

describe('numbers', () => {
  test.prop([fc.integer({ min: -10, max: 30 })])(
    'a whole number is taken within its bounds, and only there',
    (value) => {
      const read = (): number => wholeNumber(2, 20)(String(value));
      if (value >= 2 && value <= 20) expect(read()).toBe(value);
      else expect(read).toThrow('Give a whole number from 2 to 20.');
    },
  );

  test.prop([fc.double({ noNaN: true, noDefaultInfinity: true })])('a number is the one that is written', (value) => {
    expect(number({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE })(String(value))).toBe(
      value === 0 ? Number(String(value)) : value,
    );
  });

  it.each([
    ['0', 'above 0 and below 1'],
    ['1', 'above 0 and below 1'],
  ])('bounds that are not allowed themselves are refused: %s', (value, words) => {
    expect(() => number({ min: 0, above: true, max: 1, below: true })(value)).toThrow(words);
  });

  it.each(['0', '-1GB', '1e9', '1PB', '2000TB', '1023KB', 'GB', '', '1GB GB', 'NaN', 'Infinity'])(
    'no size of memory: %s',
    (value) => {
      expect(() => memorySize(value)).toThrow('Give a size from 1MB to 1024TB');
    },
  );
});
