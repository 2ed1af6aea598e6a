/**
 * Tokenizers as public reports describe them (docs/internals/field-reports.md). Ids are those of
 * Python's tokenizers 0.23.3.
 */
import { describe, expect, it, test } from 'vitest';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import { smallByteLevelJson } from './smallTokenizers.ts';

/** The small byte-level tokenizer (one id a byte, "ab" 256, "Ġa" 257) with changes. */
function encoded(change: (json: ReturnType<typeof smallByteLevelJson>) => void, texts: readonly string[]): number[][] {
  const json = { ...smallByteLevelJson(), added_tokens: [] };
  change(json);
  const tokenizer = hfTokenizer(json, undefined, 'x');
  return texts.map((text) => tokenizer.encode(text));
}

const added = (id: number, content: string, fields = {}): object => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: false,
  ...fields,
});

it('neither cuts nor pads a text where the file says so (daulet/tokenizers#30)', () => {
  const saved = {
    truncation: { direction: 'Right', max_length: 4, strategy: 'LongestFirst', stride: 0 },
    padding: { strategy: { Fixed: 16 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '!' },
  };
  const ids = encoded((json) => Object.assign(json, saved), ['ab aab aab a']);
  expect(ids).toEqual([[256, 257, 256, 257, 256, 257]]);
});

describe('ignore_merges (robertknight/rten#453)', () => {
  const texts = [' cab cab', 'bab', 'cab bab'];
  it.each([
    [
      false,
      [
        [32, 99, 256, 32, 99, 256],
        [98, 256],
        [99, 256, 32, 98, 256],
      ],
    ],
    [true, [[258, 258], [259], [99, 256, 32, 98, 256]]],
  ])('%s', (ignoreMerges, ids) => {
    const change = (json: ReturnType<typeof smallByteLevelJson>): void => {
      json.model.ignore_merges = ignoreMerges;
      Object.assign(json.model.vocab, { Ġcab: 258, bab: 259 });
    };
    expect(encoded(change, texts)).toEqual(ids);
  });
});

it('takes merges as strings and as pairs (sugarme/tokenizer#56)', () => {
  const texts = ['ab a', ' aab', 'naïve 😀'];
  const pairs = encoded(
    (json) =>
      (json.model.merges = [
        ['a', 'b'],
        ['Ġ', 'a'],
      ]),
    texts,
  );
  expect(encoded((json) => (json.model.merges = ['a b', 'Ġ a']), texts)).toEqual(pairs);
});

describe('white space beside an added token (iree-org/iree#23805, huggingface/transformers#33371)', () => {
  const texts = ['a <s> b', 'a\u00A0 <s>\u3000\nb', '<s><s>', ' <s>'];
  const [wide, nbsp] = [
    [227, 128, 128, 10],
    [194, 160],
  ];
  test.each([
    [
      false,
      false,
      [
        [97, 32, 258, 32, 98],
        [97, ...nbsp, 32, 258, ...wide, 98],
        [258, 258],
        [32, 258],
      ],
    ],
    [
      false,
      true,
      [
        [97, 32, 258, 98],
        [97, ...nbsp, 32, 258, 98],
        [258, 258],
        [32, 258],
      ],
    ],
    [true, false, [[97, 258, 32, 98], [97, 258, ...wide, 98], [258, 258], [258]]],
    [true, true, [[97, 258, 98], [97, 258, 98], [258, 258], [258]]],
  ])('lstrip %s, rstrip %s', (lstrip, rstrip, ids) => {
    for (const special of [false, true]) {
      const token = added(258, '<s>', { lstrip, rstrip, special });
      expect(encoded((json) => Object.assign(json, { added_tokens: [token] }), texts)).toEqual(ids);
    }
  });
});

it('finds each of thousands of added tokens (huggingface/swift-transformers#386)', () => {
  const tokens = Array.from({ length: 6415 }, (_, index) => added(258 + index, `<x${index}>`));
  const ids = encoded((json) => Object.assign(json, { added_tokens: tokens }), ['ab<x6414><x5> a<x7']);
  expect(ids).toEqual([[256, 6672, 263, 257, 60, 120, 55]]);
});
