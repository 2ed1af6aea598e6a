/** Metaspace: its fields, what it does before texts, and that its decoder takes that back. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { readDecoder } from '../../src/tokenizer/decoders.ts';
import { readMetaspace } from '../../src/tokenizer/metaspace.ts';
import { readPreTokenizer } from '../../src/tokenizer/preTokenizers.ts';

const schemes = ['always', 'never', 'first'] as const;
const flags = [undefined, null, true, false];

describe('its fields', () => {
  const combined = flags.flatMap((flag) => [undefined, null, ...schemes].map((scheme) => ({ flag, scheme })));

  it.each(combined)('add_prefix_space $flag and prepend_scheme $scheme agree, or are refused', ({ flag, scheme }) => {
    const json = { add_prefix_space: flag, prepend_scheme: scheme };
    if (flag === false && (scheme ?? 'never') !== 'never') {
      expect(() => readMetaspace(json, 't.json')).toThrow(FormatError);
      expect(() => readMetaspace(json, 't.json')).toThrow('t.json: ');
    } else {
      const expected = scheme ?? (flag === false ? 'never' : 'always');
      expect(readMetaspace(json, 't.json')).toEqual({ replacement: '▁', scheme: expected });
    }
  });

  test.prop([fc.string({ unit: 'grapheme', maxLength: 3 })])('the mark is one character', (replacement) => {
    const read = (): unknown => readMetaspace({ replacement }, 't.json');
    if (Array.from(replacement).length === 1) expect(read()).toEqual({ replacement, scheme: 'always' });
    else expect(read).toThrow("t.json: 'replacement' is not one character.");
  });

  it.each([
    [{ replacement: 1 }, "'replacement' is not one character"],
    [{ replacement: ['▁'] }, "'replacement' is not one character"],
    [{ add_prefix_space: 'yes' }, "'add_prefix_space' is neither true nor false"],
    [{ prepend_scheme: 'Always' }, "'prepend_scheme' is not one of always, never, first"],
    [{ prepend_scheme: true }, "'prepend_scheme' is not one of always, never, first"],
  ])('%j is refused in words', (json, words) => {
    expect(() => readMetaspace(json, 'here')).toThrow(FormatError);
    expect(() => readMetaspace(json, 'here')).toThrow(`here: ${words}`);
  });
});

describe.each(schemes)('before a text, %s', (scheme) => {
  const json = { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme };
  const text = fc.string({ unit: fc.constantFrom('a', 'ü', '😀', ' ') });

  function words(raw: string, atStart: number, split = true): string[] {
    const stage = readPreTokenizer({ ...json, split }, 't.json');
    return (stage?.split([{ text: raw, atStart }]) ?? []).map((piece) => piece.text);
  }

  test.prop([text.filter((raw) => raw !== ''), fc.boolean()])(
    'splits at every mark and loses nothing',
    (raw, starts) => {
      const marked = raw.replaceAll(' ', '▁');
      const puts = !marked.startsWith('▁') && (scheme === 'always' || (scheme === 'first' && starts));
      const expected = puts ? `▁${marked}` : marked;
      expect(words(raw, starts ? 1 : 0, false)).toEqual([expected]);
      expect(words(raw, starts ? 1 : 0)).toEqual(expected.match(/▁[^▁]*|[^▁]+/gu));
    },
  );

  test.prop([text.filter((raw) => raw !== '' && !raw.startsWith(' '))])('the decoder gives the text back', (raw) => {
    const decoder = readDecoder(json, 't.json');
    expect(decoder?.decode(words(raw, 1)).join('')).toBe(raw);
  });
});
