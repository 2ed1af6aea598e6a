import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../src/errors.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import { readDecoder } from '../../src/tokenizer/decoders.ts';
import { readNormalizer } from '../../src/tokenizer/normalizers.ts';
import { readPreTokenizer } from '../../src/tokenizer/preTokenizers.ts';
import { smallByteLevelJson, smallSentencePieceJson } from './smallTokenizers.ts';

const readers = { normalizer: readNormalizer, pre_tokenizer: readPreTokenizer, decoder: readDecoder };
type Stage = keyof typeof readers;
const replacement = (from: string, content: string) => ({ type: 'Replace', pattern: { String: from }, content });
const sequence = (...normalizers: unknown[]) => ({ type: 'Sequence', normalizers });

describe('replacements', () => {
  test.prop([
    fc.constantFrom('normalizer', 'decoder'),
    fc.string({ unit: fc.constantFrom('$', '&', '`', "'", '1', '<') }),
  ])('are put in as they are, `$` included (%s)', (stage, content) => {
    const json = smallByteLevelJson();
    const decoders = [{ type: 'ByteLevel' }, replacement('x', content)];
    if (stage === 'normalizer') json.normalizer = replacement('x', content);
    else json.decoder = { type: 'Sequence', decoders };
    const tokenizer = hfTokenizer(json, null, 'x');
    expect(tokenizer.decode(tokenizer.encode('axb'))).toBe(`a${content}b`);
  });

  it('that feed each other until memory is full are refused', () => {
    const doubling = sequence(...Array.from({ length: 40 }, () => replacement('a', 'aa')));
    expect(() => readNormalizer(doubling, 'x')).toThrow(FormatError);
    expect(() => readNormalizer(doubling, 'x')).toThrow(/x: normalizer: makes texts impossibly long/);
    expect(() => readNormalizer(replacement(' ', 'x'.repeat(2000)), 'x')).toThrow(/impossibly long/);
    const everywhere = { type: 'Replace', pattern: { Regex: 'a|b' }, content: 'xyz' };
    expect(() => readNormalizer(sequence(...Array.from({ length: 6 }, () => everywhere)), 'x')).toThrow(
      /impossibly long/,
    );
  });

  it('that keep or shorten a text may be many', () => {
    const many = sequence(...Array.from({ length: 500 }, () => [replacement(' ', '▁'), replacement('aa', '')]).flat());
    expect(readNormalizer(many, 'x')).not.toBeNull();
  });
});

describe('a byte-level split', () => {
  it('is GPT-2’s unless switched off', () => {
    const json = smallByteLevelJson();
    Object.assign(json.model.vocab, { a1: 258 });
    json.model.merges = ['a 1'];
    const tokens = (use: boolean) => {
      json.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: false, use_regex: use };
      return hfTokenizer(json, null, 'x').encode('a1');
    };
    expect(tokens(true)).toEqual([97, 49]);
    expect(tokens(false)).toEqual([258]);
  });

  it('puts a space first where asked to', () => {
    const json = smallByteLevelJson();
    json.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: true };
    expect(hfTokenizer(json, null, 'x').encode('a')).toEqual([257]);
    expect(hfTokenizer(json, null, 'x').encode(' a')).toEqual([257]);
  });
});

it('removed matches are gone, isolated ones are words', () => {
  const json = smallByteLevelJson();
  const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  const tokens = (behavior: string, invert = false, pattern: object = { String: '-' }) => {
    const split = { type: 'Split', pattern, behavior, invert };
    json.pre_tokenizer = { type: 'Sequence', pretokenizers: [split, bytes] };
    return hfTokenizer(json, null, 'x').encode('a-b(');
  };
  expect(tokens('Removed')).toEqual([97, 98, 40]);
  expect(tokens('Removed', false, { String: '(' })).toEqual([97, 45, 98]);
  // Groups, escaped brackets, and brackets in classes.
  expect(tokens('Removed', false, { Regex: '((-)|(x))' })).toEqual([97, 98, 40]);
  expect(tokens('Removed', false, { Regex: String.raw`\(|(?:[()])` })).toEqual([97, 45, 98]);
  expect(tokens('Isolated')).toEqual([97, 45, 98, 40]);
  expect(tokens('Removed', true)).toEqual([45]);
});

it('a byte level is found inside sequences', () => {
  const nested = (part: object) => ({ type: 'Sequence', pretokenizers: [{ type: 'Sequence', pretokenizers: [part] }] });
  expect(readPreTokenizer(nested({ type: 'ByteLevel' }), 'x')?.bytes).toBe(true);
  expect(readPreTokenizer(nested({ type: 'Digits' }), 'x')?.bytes).toBe(false);
  expect(readDecoder(null, 'x')).toBeNull();
});

it('sequences nest eight deep, no deeper', () => {
  const nested = (depth: number): unknown => (depth === 0 ? { type: 'NFC' } : sequence(nested(depth - 1)));
  expect(readNormalizer(nested(8), 'x')).not.toBeNull();
  expect(() => readNormalizer(nested(9), 'x')).toThrow(/nests too deep/);
});

describe.each<[Stage, unknown, RegExp]>([
  ['normalizer', 'NFC', /is not a JSON object/],
  ['normalizer', {}, /'type' is not a string/],
  ['normalizer', { type: 'Prepend' }, /'prepend' is not a string/],
  ['normalizer', { type: 'Sequence', normalizers: {} }, /'normalizers' is not a list/],
  ['normalizer', { type: 'Replace', pattern: { String: '' }, content: '' }, /neither a Regex nor a String/],
  ['normalizer', { type: 'Replace', pattern: 'a', content: '' }, /neither a Regex nor a String/],
  ['pre_tokenizer', { type: 'Metaspace', replacement: '__' }, /'replacement' is not one character/],
  ['pre_tokenizer', { type: 'Metaspace', prepend_scheme: 'last' }, /'prepend_scheme' is not one of/],
  ['pre_tokenizer', { type: 'Digits', individual_digits: 1 }, /neither true nor false/],
  ['decoder', { type: 'Strip', content: ' ', start: -1 }, /'start' or 'stop' is not a count/],
  ['decoder', { type: 'Strip', content: ' ', stop: 0.5 }, /'start' or 'stop' is not a count/],
])('a %s that is %j', (stage, json, message) => {
  it('is a FormatError', () => {
    expect(() => readers[stage](json, 'x')).toThrow(FormatError);
    expect(() => readers[stage](json, 'x')).toThrow(message);
  });
});

it.each<[Stage, unknown, string]>([
  ['normalizer', { type: 'Precompiled' }, '"Precompiled" is not supported'],
  ['normalizer', { type: 'constructor' }, '"constructor" is not supported'],
  ['normalizer', { type: 'Replace', pattern: { Regex: '^' }, content: '▁' }, 'can match nothing'],
  ['pre_tokenizer', { type: 'White\nspace' }, '"White\\nspace" is not supported'],
  ['pre_tokenizer', { type: 'Split', pattern: { Regex: '(a)\\1' }, behavior: 'Isolated', invert: true }, 'uses \\1,'],
  ['decoder', { type: 'CTC' }, '"CTC" is not supported'],
])('a %s %j is unsupported', (stage, json, message) => {
  expect(() => readers[stage](json, 'x')).toThrow(UnsupportedModelError);
  expect(() => readers[stage](json, 'x')).toThrow(message);
});

it('Metaspace’s older flag stands for its scheme', () => {
  const json = smallSentencePieceJson();
  json.normalizer = null;
  const tokens = (metaspace: object) => {
    json.pre_tokenizer = { type: 'Metaspace', ...metaspace };
    return hfTokenizer(json, null, 'x').encode('ab');
  };
  expect(tokens({ add_prefix_space: true })).toEqual(tokens({ prepend_scheme: 'always' }));
  expect(tokens({ add_prefix_space: false })).toEqual(tokens({ prepend_scheme: 'never' }));
  expect(tokens({})).toEqual([257, 260]);
});
