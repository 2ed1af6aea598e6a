import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { charTokenizer } from '../../src/tokenizer/charTokenizer.ts';
import { encodeStream } from '../../src/tokenizer/encodeStream.ts';
import { ggufTokenizer } from '../../src/tokenizer/ggufTokenizer.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { ggufMetadataOf, realFiles, realModels } from './realTokenizers.ts';
import { smallByteLevelJson, smallSentencePieceJson } from './smallTokenizers.ts';

const small = (change: Record<string, unknown>, json = smallByteLevelJson()): Tokenizer => {
  return hfTokenizer({ ...json, ...change }, undefined, 'small');
};
const byteLevel = (prefix: boolean): object => ({ type: 'ByteLevel', add_prefix_space: prefix, use_regex: true });
const bare = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
const split = (pattern: object, behavior: string, invert = false): object => ({
  type: 'Split',
  pattern,
  behavior,
  invert,
});
const sequence = (...pretokenizers: object[]): Record<string, unknown> => ({
  pre_tokenizer: { type: 'Sequence', pretokenizers },
});
const piece = (change: Record<string, unknown>): Tokenizer => small(change, smallSentencePieceJson());
const metaspace = (prepend_scheme: string, splits: boolean): Record<string, unknown> => ({
  normalizer: null,
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme, split: splits },
});
const added = (token: Record<string, unknown>): Record<string, unknown> => ({
  added_tokens: [{ id: 300, content: '<s>', special: true, ...token }],
});
const real = realModels.map((name) => [name, realFiles(name)] as const);

const tokenizers: [string, Tokenizer][] = [
  ...real.map(([name, { json, config }]): [string, Tokenizer] => [name, hfTokenizer(json, config, name)]),
  ...real
    .filter(([name]) => name !== 'llama3')
    .map(([name, files]): [string, Tokenizer] => [
      `${name} as GGUF`,
      ggufTokenizer(ggufMetadataOf(files, name === 'qwen3' ? 'qwen2' : null), 'gguf'),
    ]),
  ['bytes', byteTokenizer({ bos: '<s>', eos: 'ab ' }, 'bytes')],
  ['characters', charTokenizer([...new Set('ab <s>1\n\r.,ÀéΣςñ\u0301▁한국日本🙂\t\u0085')].join(''), 'characters')],
  ['byte level', small({})],
  ['byte level, a space first', small({ pre_tokenizer: byteLevel(true) })],
  ['digits, then byte level', small(sequence({ type: 'Digits', individual_digits: false }, byteLevel(true)))],
  ['single digits, then byte level', small(sequence({ type: 'Digits', individual_digits: true }, byteLevel(false)))],
  ['lines', small(sequence(split({ Regex: '[^\\n]+|\\n+' }, 'Isolated'), bare))],
  ['lines with their end', small(sequence(split({ String: '\n' }, 'MergedWithPrevious'), bare))],
  ['words with the space before', small(sequence(split({ String: ' ' }, 'MergedWithNext'), bare))],
  ['runs of spaces', small(sequence(split({ Regex: '\\s' }, 'Contiguous'), bare))],
  ['words alone', small(sequence(split({ Regex: '\\w+' }, 'Removed', true), bare))],
  ['pairs of letters', small(sequence(split({ String: 'ab' }, 'Isolated'), bare))],
  ['words up to three letters on', small(sequence(split({ Regex: '\\p{L}{1,3}(?!b)|\\s+' }, 'Isolated'), bare))],
  ['possessive', small(sequence(split({ Regex: '[^\\r\\n\\p{L}]?+\\p{L}++|\\s++$|\\s+|.' }, 'Isolated'), bare))],
  ['behind a letter', small(sequence(split({ Regex: '(?<=a)b+|[^b]+|b' }, 'Isolated'), bare))],
  ['no split', small({ pre_tokenizer: bare })],
  ['lower case', small({ normalizer: { type: 'Lowercase' } })],
  ['NFKD', small({ normalizer: { type: 'NFKD' } })],
  ['stripped', small({ normalizer: { type: 'Strip', strip_left: true, strip_right: true } })],
  ['replaced', small({ normalizer: { type: 'Replace', pattern: { Regex: ' {2,}' }, content: 'ab' } })],
  ['replaced pair', small({ normalizer: { type: 'Replace', pattern: { String: 'aa' }, content: 'b' } })],
  ['token that takes spaces before', small(added({ lstrip: true }))],
  ['token that takes spaces after', small(added({ rstrip: true }))],
  ['token that stands alone', small(added({ content: 'ab', id: 256, special: false, single_word: true }))],
  [
    'token in lower case',
    small({ ...added({ content: 'AB', special: false, normalized: true }), normalizer: { type: 'Lowercase' } }),
  ],
  ['SentencePiece', piece({})],
  [
    'SentencePiece, a mark first',
    piece({
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Prepend', prepend: '▁' },
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
    }),
  ],
  ['Metaspace', piece(metaspace('always', true))],
  ['Metaspace, first', piece(metaspace('first', true))],
  ['Metaspace, never', piece(metaspace('never', true))],
  ['Metaspace, not split', piece(metaspace('first', false))],
  [
    'Metaspace between digits',
    piece({
      normalizer: null,
      ...sequence(
        { type: 'Digits', individual_digits: true },
        { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
      ),
    }),
  ],
];

const letters = fc.constantFrom(...'aabb  <s>11\n\r.,ÀéΣςñ\u0301▁한국日本🙂\t\u0085');
const words = fc.constantFrom(
  '<s>',
  '</s>',
  'ab',
  'AB',
  "don't ",
  '  \n\n',
  ' a',
  'b ',
  '123 ',
  '<|im_end|>',
  ' \r\n',
  'e\u0301',
);
const text = fc.array(fc.oneof(letters, words), { maxLength: 60 }).map((parts) => parts.join(''));
/** The text in pieces, between any two units. */
const inPieces = (whole: string, cuts: readonly number[]): string[] => {
  const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => whole.slice(at[index], end));
};

describe.each(tokenizers)('%s', (name, tokenizer) => {
  const ours = (whole: string): string => {
    return name === 'characters'
      ? [...whole].filter((char) => 'ab <s>1\n\r.,ÀéΣςñ\u0301▁한국日本🙂\t\u0085'.includes(char)).join('')
      : whole;
  };

  test.prop([text.map(ours), fc.array(fc.nat(200), { maxLength: 12 }), fc.integer({ min: 1, max: 24 })], {
    numRuns: 150,
  })('gives the ids of the whole text, however it comes and is cut', async (whole, cuts, partLength) => {
    const { ids } = await encodeStream(tokenizer, inPieces(whole, cuts), { partLength });
    expect([...ids]).toEqual(tokenizer.encode(whole));
  });
});
