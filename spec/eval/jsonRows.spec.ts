/** The text of a .jsonl row; a row without one is refused, with what it holds. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { rowPart } from '../../src/eval/jsonRows.ts';
import { kindOf } from '../../src/eval/jsonWords.ts';

const read = (row: unknown, field = 'text'): string => {
  const part = rowPart('rows.jsonl:3', row, field);
  return 'chat' in part ? `chat of ${part.chat.length}` : part.text;
};

/** The message of a row without text; an empty one where it has some. */
function refusal(row: unknown, field = 'text'): string {
  try {
    read(row, field);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }
}

const key = fc.oneof(
  fc.constantFrom('text', 'content', 'messages', 'toString', '__proto__'),
  fc.string({ maxLength: 60 }),
);
/** As JSON.parse makes it: `__proto__` is a field like any other. */
const row = fc
  .dictionary(key, fc.jsonValue({ maxDepth: 2 }))
  .map((value) => JSON.parse(JSON.stringify(value)) as object);

describe('a row', () => {
  test.prop([row, key, fc.string({ unit: 'binary' })])('gives its text as it is', (others, field, text) => {
    const own = JSON.parse(`{${JSON.stringify(field)}:${JSON.stringify(text)}}`) as object;
    const entries = [...Object.entries(others).filter(([name]) => name !== field), ...Object.entries(own)];
    expect(read(Object.fromEntries(entries), field)).toBe(text);
  });

  test.prop([fc.oneof(row, fc.jsonValue()), key])(
    'has text, or is refused in one short line with file and line number',
    (value, field) => {
      const own = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, field);
      const words = refusal(value, field);
      if (own && typeof (value as Record<string, unknown>)[field] === 'string') expect(words).toBe('');
      else expect(words).toMatch(/^rows\.jsonl:3: [^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]{10,}\.$/u);
      // Eight names of forty characters at most, each perhaps written as escapes.
      expect(words.length).toBeLessThan(400 + 10 * 41 * 8);
    },
  );

  test.prop([fc.integer({ min: 1, max: 30 })])('names eight fields at most, and how many more there are', (count) => {
    const texts = Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, '']));
    const names = Array.from({ length: Math.min(8, count) }, (_, index) => `f${index}`).join(', ');
    const more = count > 8 ? ` and ${count - 8} more` : '';
    expect(refusal({ ...texts, number: 1 })).toContain(`Name a field of text with --field (it has: ${names}${more}).`);
  });

  it.each([
    [null, 'the row is null, not an object with fields. Write rows as {"text": "…"}, one a line.'],
    [[], 'the row is an empty array, not an object'],
    [['a'], 'the row is an array of 1, not an object'],
    ['a', 'the row is the text "a", not an object'],
    [7, 'the row is the number 7, not an object'],
    [true, 'the row is true, not an object'],
    [{}, "there is no field 'text'. No field of this row is text (its fields: none)."],
    [{ id: 1 }, "there is no field 'text'. No field of this row is text (its fields: id)."],
    [{ text: 1 }, "field 'text' is the number 1, not text. No field of this row is text (its fields: text)."],
    [{ text: null, body: '' }, "field 'text' is null, not text. Name a field of text with --field (it has: body)."],
    [{ text: { text: 'a' } }, "field 'text' is an object, not text."],
    [{ data: { text: 'a' } }, "field 'text' lies inside 'data'. Name it with --field data.text."],
    [{ data: { text: 1 } }, "there is no field 'text'."],
    [{ messages: [] }, 'the chat has no messages.'],
    [{ conversations: [{ value: 'a' }] }, 'message 1 is an object without a role and a content.'],
    [{ messages: 'a' }, "there is no field 'text'. Name a field of text with --field (it has: messages)."],
  ])('%j: %s', (value, words) => {
    expect(refusal(value)).toContain(`rows.jsonl:3: ${words}`);
  });

  it('has no field that it only inherits', () => {
    for (const name of ['toString', 'constructor', '__proto__']) {
      expect(refusal({}, name)).toContain(`there is no field '${name}'.`);
    }
  });

  it('cuts a long name between characters, not inside one', () => {
    const name = `${'a'.repeat(39)}😀${'b'.repeat(20)}`;
    expect(refusal({ [name]: 'x' })).toContain(`(it has: ${'a'.repeat(39)}…)`);
  });
});

describe('a JSON value in a few words', () => {
  test.prop([fc.jsonValue()])('is short and of one line', (value) => {
    expect(kindOf(value)).toMatch(/^[^\p{Cc}\p{Cs}]+$/u);
    const nested = Array.isArray(value) || (typeof value === 'object' && value !== null);
    if (nested) expect(kindOf(value)).toMatch(/^an (?:object|empty array|array of \d+)$/);
  });

  test.prop([fc.array(fc.nat(), { minLength: 1 }), fc.double({ noNaN: true })])(
    'counts, and writes numbers',
    (list, number) => {
      expect([kindOf(list), kindOf(number)]).toEqual([`an array of ${list.length}`, `the number ${number}`]);
    },
  );
});
