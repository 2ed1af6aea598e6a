import { fc, test } from '@fast-check/vitest';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { expect, it } from 'vitest';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import { mergesFromScores } from '../../src/tokenizer/mergesFromScores.ts';
import { readVocabulary } from '../../src/tokenizer/vocabulary.ts';
import { wordSplitter } from '../../src/tokenizer/wordBorders.ts';

const letters = ['<unk>', '▁', 'a', 'b'];

function modelOf(pieces: readonly string[], ignoreMerges = false): { model: Record<string, unknown> } {
  const all = [...letters, ...pieces.filter((piece) => piece.length > 1)];
  return {
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(all.map((piece, id) => [piece, id])),
      merges: mergesFromScores(
        all,
        all.map((_, id) => -id),
      ).merges,
      unk_token: '<unk>',
      fuse_unk: true,
      ignore_merges: ignoreMerges,
    },
  };
}

const spaces = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
const pieces = fc.uniqueArray(fc.string({ unit: fc.constantFrom('▁', 'a', 'b'), minLength: 2, maxLength: 4 }));

test.prop([pieces, fc.string({ unit: fc.constantFrom(' ', 'a', 'b', 'ü'), maxLength: 30 }), fc.boolean()], {
  numRuns: 1000,
})('no token changes, whatever the pieces', (drawn, text, ignoreMerges) => {
  const json = { ...modelOf(drawn, ignoreMerges), normalizer: spaces, decoder: null, pre_tokenizer: null };
  const library = new Library({ ...json, post_processor: null, added_tokens: [] }, {});
  expect(hfTokenizer(json, {}, 'x').encode(text)).toEqual(library.encode(text).ids);
});

test.each<[string[], boolean, boolean]>([
  [['▁a', 'ab', '▁▁', '▁▁ab'], false, true],
  [['▁a', 'a▁'], false, false],
  [['b▁a'], false, false],
  // A whole text in the vocabulary would be one token.
  [['▁a'], true, false],
])('with the pieces %j, ignoring merges: %j, texts are split: %j', (drawn, ignoreMerges, expected) => {
  const split = wordSplitter(readVocabulary(modelOf(drawn, ignoreMerges), 'x'));
  expect(split?.('▁▁ab▁a') ?? null).toEqual(expected ? ['▁▁ab', '▁a'] : null);
});

it('without a ▁ of its own it is unknown like the characters around it, and fused with them', () => {
  const model = { type: 'BPE', vocab: { '<unk>': 0, a: 1 }, merges: [], unk_token: '<unk>', fuse_unk: true };
  expect(wordSplitter(readVocabulary({ model }, 'x'))).toBeNull();
  expect(hfTokenizer({ model }, {}, 'x').encode('ax▁x')).toEqual([1, 0]);
});
