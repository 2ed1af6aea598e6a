/**
 * Small tokenizer.json files on which implementations differ. Ids are those of python tokenizers
 * 0.23.3.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import { mergeTable } from '../../src/tokenizer/mergeTable.ts';
import { mergeWord } from '../../src/tokenizer/mergeWord.ts';

/** A file with these pieces, ids in their order. */
function jsonOf(pieces: readonly string[], merges: readonly string[][], more: object): object {
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  return { model: { type: 'BPE', vocab, merges }, ...more };
}
const ids = (json: object, text: string): number[] => hfTokenizer(json, undefined, 'x').encode(text);
const sequence = (...pretokenizers: object[]) => ({ pre_tokenizer: { type: 'Sequence', pretokenizers } });
const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };

describe('Metaspace puts its mark before the first piece only', () => {
  const pieces = ['▁', 'a', '1', 'b', '▁a', '▁b', '▁1'];
  const merges = [
    ['▁', 'a'],
    ['▁', 'b'],
    ['▁', '1'],
  ];
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false };

  it('inside a sequence', () => {
    const json = jsonOf(pieces, merges, sequence({ type: 'Digits', individual_digits: true }, metaspace));
    expect(ids(json, 'a1b')).toEqual([4, 2, 3]);
  });

  it.each([
    [false, [7, 3]],
    [true, [7, 3]],
  ])('and none after an added token that begins the text (normalized: %j)', (normalized, expected) => {
    const json = jsonOf(pieces, merges, {
      added_tokens: [{ id: 7, content: '<p>', normalized }],
      normalizer: { type: 'NFC' },
      pre_tokenizer: metaspace,
    });
    expect(ids(json, '<p>b')).toEqual(expected);
    expect(ids(json, 'a<p>b')).toEqual([4, ...expected]);
  });

  it('and none to a piece whose beginning was stripped: it stands further on in the text', () => {
    const json = jsonOf(pieces, merges, { normalizer: { type: 'Strip' }, pre_tokenizer: metaspace });
    expect(ids(json, ' a')).toEqual([1]);
    expect(ids(json, 'a ')).toEqual([4]);
  });
});

it('the Metaspace decoder keeps the first space where none is put before texts', () => {
  const decoded = (scheme: string): string => {
    const json = jsonOf(['▁a', '▁b'], [], { decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme } });
    return hfTokenizer(json, undefined, 'x').decode([0, 1]);
  };
  expect(decoded('never')).toBe(' a b');
  expect(decoded('first')).toBe('a b');
  expect(decoded('always')).toBe('a b');
});

it('possessive quantifiers and atomic groups give nothing back', () => {
  const pieces = ['a', 'Ġ', 'Ċ', 'ĠĊ', 'ĠĊĠ', 'ĠĠ'];
  const merges = [
    ['Ġ', 'Ċ'],
    ['ĠĊ', 'Ġ'],
    ['Ġ', 'Ġ'],
  ];
  const tokens = (pattern: string): number[] => {
    const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
    return ids(jsonOf(pieces, merges, sequence(split, bytes)), 'a  \n  a');
  };
  const words = ' ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++';
  expect(tokens(`'(?:[sdmt]|ll|ve|re)|${words}|\\s++$|\\s+(?!\\S)|\\s`)).toEqual([0, 1, 4, 1, 0]);
  expect(tokens(`${words}|(?>\\s+)$|\\s+(?!\\S)|\\s`)).toEqual([0, 1, 4, 1, 0]);
  // Here \s++ takes what (?!\S) needs.
  expect(tokens(`${words}|\\s++(?!\\S)|\\s`)).toEqual(tokens(`${words}|\\s`));
});

it('bytes that a byte-level vocabulary lacks are left out', () => {
  const json = jsonOf(['n', 'a', 'v', 'e', 'av'], [['a', 'v']], { pre_tokenizer: bytes });
  expect(ids(json, 'naïve')).toEqual([0, 4, 3]);
  expect(ids(json, 'ï')).toEqual([]);
  expect(ids(json, 'nüav🙂e')).toEqual([0, 4, 3]);
});

describe('U+FEFF is no white space, U+0085 is', () => {
  const pieces = ['Ġ', 'a', 'ï', '»', '¿', 'Â', 'ħ', 'ï»', 'ï»¿', 'Ġï»¿', 'ï»¿ï»¿', 'Âħ', 'ĠÂħ'];
  const merges = [
    ['ï', '»'],
    ['ï»', '¿'],
    ['Ġ', 'ï»¿'],
    ['ï»¿', 'ï»¿'],
    ['Â', 'ħ'],
    ['Ġ', 'Âħ'],
  ];
  const json = jsonOf(pieces, merges, {
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, use_regex: true },
  });

  it.each([
    ['a \ufeffa', [0, 1, 9, 1]],
    ['a \u0085a', [0, 1, 0, 11, 1]],
    ['\u0085a', [0, 11, 1]],
    ['\ufeffa', [9, 1]],
  ])('%j', (text, expected) => {
    expect(ids(json, text)).toEqual(expected);
  });
});

it('adjacent normalized tokens: only one has what the normalizer puts first', () => {
  const json = (prepend: string) => ({
    ...jsonOf(['▁', 'a', '<', 'p', '>'], [], { normalizer: { type: 'Prepend', prepend } }),
    added_tokens: [{ id: 5, content: '<p>', normalized: true }],
  });
  expect(ids(json('▁'), '<p><p>')).toEqual([5, 2, 3, 4]);
  expect(ids(json('▁'), 'a<p>')).toEqual([0, 1, 2, 3, 4]);
});

test.prop([
  fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 30, maxLength: 60 }),
  fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]),
])('long words are merged as short ones are: lowest rank first, leftmost first', (symbols, order) => {
  const all: [number, number, number][] = [
    [0, 1, 3],
    [1, 0, 4],
    [2, 2, 5],
    [3, 3, 6],
    [0, 0, 7],
    [3, 2, 8],
    [4, 1, 9],
    [6, 2, 10],
  ];
  const merges = order.map((index) => all[index]);
  let plain = [...symbols];
  for (;;) {
    const ranks = plain.map((left, at) => merges.findIndex(([a, b]) => a === left && b === plain[at + 1]));
    const best = Math.min(...ranks.filter((rank) => rank >= 0));
    if (best === Infinity) break;
    const at = ranks.indexOf(best);
    plain = [...plain.slice(0, at), merges[best][2], ...plain.slice(at + 2)];
  }
  expect(mergeWord([...symbols], mergeTable(merges))).toEqual(plain);
});

it('in long words, a pair that has changed since waits for its new rank', () => {
  const merges = mergeTable([
    [1, 2, 3],
    [0, 1, 4],
    [3, 5, 6],
    [0, 3, 7],
  ]);
  // 1 2 becomes 3; then 3 5 comes before 0 3, though 0 1 would have come before both.
  const tenTimes = (symbols: number[]): number[] => Array.from({ length: 10 }, () => symbols).flat();
  expect(mergeWord(tenTimes([0, 1, 2, 5]), merges)).toEqual(tenTimes([0, 6]));
});

it('a megabyte without a place to split is one word, merged in time', () => {
  const json = jsonOf(
    ['a', 'aa', 'aaaa'],
    [
      ['a', 'a'],
      ['aa', 'aa'],
    ],
    { pre_tokenizer: bytes },
  );
  expect(ids(json, 'a'.repeat(1 << 20)).length).toBe(1 << 18);
});
