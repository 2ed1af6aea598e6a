/** Small tokenizers that are complete, and what their fields may wrongly hold. */
import { fc } from '@fast-check/vitest';
import { hostileValues } from '../formats/hostile.ts';
import { expect } from 'vitest';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { TokenizerJson } from './realTokenizers.ts';

const specials = [
  { id: 300, content: '<s>', special: true },
  { id: 301, content: '</s>', special: true },
];

/** A fresh `tokenizer.json` with GPT-2's 256 byte symbols and a few merges. */
export function smallByteLevelJson(): TokenizerJson & Record<string, any> {
  return {
    added_tokens: structuredClone(specials),
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: { ...Object.fromEntries(byteSymbols().map((symbol, id) => [symbol, id])), ab: 256, Ġa: 257 },
      merges: ['a b', 'Ġ a'],
      unk_token: null,
    },
  };
}

/** A fresh `tokenizer.json` with byte fallback, a few letters and ▁ for the space. */
export function smallSentencePieceJson(): TokenizerJson & Record<string, any> {
  const vocab: Record<string, number> = { '<unk>': 0 };
  for (let byte = 0; byte < 256; byte++) {
    vocab[`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`] = 1 + byte;
  }
  for (const [index, piece] of ['▁', 'a', 'b', 'ab'].entries()) vocab[piece] = 257 + index;
  return {
    added_tokens: [{ id: 0, content: '<unk>', special: true }, ...structuredClone(specials)],
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: { type: 'BPE', vocab, merges: [['a', 'b']], unk_token: '<unk>', fuse_unk: true, byte_fallback: true },
  };
}

/**
 * The characters by which byte-level vocabularies spell the bytes: printable ones as they are, the
 * others from U+0100.
 */
export function byteSymbols(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** What a field of a tokenizer may wrongly hold. */
export const wrongValues: fc.Arbitrary<unknown> = fc.oneof(
  hostileValues,
  fc.constantFrom<unknown>(
    7,
    300,
    'a',
    'b',
    '▁',
    '<s>',
    'BPE',
    'Sequence',
    'Split',
    'ByteLevel',
    'Isolated',
    '$&',
    '(a',
  ),
  fc.constantFrom<unknown>([['a']], ['a b', 'ab c'], { type: 'Sequence' }, { type: 'Metaspace' }, { type: 'Strip' }),
);

/** A tokenizer out of damaged data must still give ids that it has, and text for them. */
export function expectUsable(tokenizer: Tokenizer): void {
  const { vocabSize, description } = tokenizer;
  // An alphabet refuses what is not in it.
  const text = description.startsWith('characters') ? tokenizer.decode([0]) : "ab <s> a'b 12\n";
  const isId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < vocabSize;
  for (const named of [tokenizer.bosTokenId, tokenizer.eosTokenId]) {
    if (named !== null && !isId(named)) throw new Error(`${named} is none of ${vocabSize} ids`);
  }
  for (const parseSpecial of [true, false]) {
    const ids = tokenizer.encode(text, { parseSpecial });
    expect(ids.filter((id) => !isId(id))).toEqual([]);
    expect(typeof tokenizer.decode(ids)).toBe('string');
    expect(ids.every((id) => Number.isInteger(tokenizer.byteLength(id)))).toBe(true);
  }
}
