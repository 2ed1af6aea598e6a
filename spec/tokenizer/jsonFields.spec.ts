/**
 * Fields of a JSON file that nobody has checked: what is taken, and what is refused with its name.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { flagField, isRecord, isTokenId, listField, shown, textField } from '../../src/tokenizer/jsonFields.ts';
import { wellFormed } from '../../src/tokenizer/wellFormed.ts';
import { isSpace } from '../../src/tokenizer/whiteSpace.ts';

const key = fc.constantFrom('a', 'type', 'vocab');

describe('a field', () => {
  test.prop([key, fc.jsonValue()])('is text, or refused by its name', (name, value) => {
    const read = (): string => textField({ [name]: value }, name, 'x.json');
    if (typeof value === 'string') expect(read()).toBe(value);
    else expect(read).toThrow(new FormatError(`'${name}' is not a string.`, { where: 'x.json' }));
  });

  test.prop([key, fc.jsonValue(), fc.boolean()])('is a flag, its fallback, or refused', (name, value, fallback) => {
    const read = (): boolean => flagField({ [name]: value }, name, fallback, 'x.json');
    if (value === null) expect(read()).toBe(fallback);
    else if (typeof value === 'boolean') expect(read()).toBe(value);
    else expect(read).toThrow(new FormatError(`'${name}' is neither true nor false.`, { where: 'x.json' }));
  });

  test.prop([key, fc.jsonValue()])('is a list, an empty one, or refused', (name, value) => {
    const read = (): unknown[] => listField({ [name]: value }, name, 'x.json');
    if (value === null) expect(read()).toEqual([]);
    else if (Array.isArray(value)) expect(read()).toEqual(value);
    else expect(read).toThrow(new FormatError(`'${name}' is not a list.`, { where: 'x.json' }));
  });

  it('that is missing is a fallback for flags and lists, and an error for text', () => {
    expect([flagField({}, 'a', true, 'x'), flagField({}, 'a', false, 'x')]).toEqual([true, false]);
    expect(listField({}, 'a', 'x')).toEqual([]);
    expect(() => textField({}, 'a', 'x')).toThrow(FormatError);
  });

  test.prop([fc.jsonValue()])('is a record where JSON writes it in braces', (value) => {
    expect(isRecord(value)).toBe(JSON.stringify(value).startsWith('{'));
  });
});

describe('a token id', () => {
  test.prop([fc.oneof(fc.integer(), fc.double(), fc.nat(2 ** 22))])('is a whole number from 0 below 2²²', (value) => {
    expect(isTokenId(value)).toBe(value === Math.floor(value) && value >= 0 && value < 4194304);
  });

  it.each([NaN, Infinity, -1, 0.5, 2 ** 22, '1', null, undefined, true, 1n, [1]])('is not %s', (value) => {
    expect(isTokenId(value)).toBe(false);
  });
});

describe('text out of a file', () => {
  test.prop([fc.string({ unit: 'binary', maxLength: 100 }), fc.integer({ min: 1, max: 80 })])(
    'is shown quoted, cut, on one line, with nothing that steers a terminal',
    (text, length) => {
      const written = shown(text, length);
      expect(written).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      // JSON escapes of four digits are read back; those of five are format characters beyond
      // U+FFFF.
      fc.pre(!/\\u[0-9a-f]{5}/.test(written));
      const cut = text.slice(0, length);
      const half = cut.length < text.length && /[\ud800-\udbff]$/.test(cut);
      expect(JSON.parse(written)).toBe(half ? cut.slice(0, -1) : cut);
    },
  );

  test.prop([fc.string({ unit: 'binary' }), fc.array(fc.integer({ min: 0xd800, max: 0xdfff }))])(
    'is well-formed as UTF-8 has it',
    (text, surrogates) => {
      const broken = String.fromCharCode(...surrogates) + text + String.fromCharCode(...surrogates);
      expect(wellFormed(broken)).toBe(new TextDecoder().decode(new TextEncoder().encode(`a${broken}`)).slice(1));
    },
  );

  it('has 25 kinds of white space in the basic plane: U+0085 is one, U+FEFF is not', () => {
    const spaces = Array.from({ length: 0x10000 }, (_, code) => code).filter((code) =>
      isSpace(String.fromCharCode(code)),
    );
    expect(spaces).toHaveLength(25);
    const trimmed = spaces.filter((code) => String.fromCharCode(code).trim() !== '');
    expect(trimmed).toEqual([0x85]);
    expect(['', '  ', '\ufeff', '\u200b'].some(isSpace)).toBe(false);
  });
});
