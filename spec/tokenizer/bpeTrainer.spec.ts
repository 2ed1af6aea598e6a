import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../src/errors.ts';
import { trainBpe } from '../../src/tokenizer/bpeTrainer.ts';
import { tokenizerFromJson } from '../../src/tokenizer/fromJson.ts';
import { byteSymbols } from './smallTokenizers.ts';
import { someText, trickyTexts } from './trickyTexts.ts';

const tinyText = readFileSync(new URL('../../tiny-models/data/tiny.txt', import.meta.url), 'utf8');

/** Texts of few letters, in which pairs repeat, overlap and tie. */
const repetitive = fc
  .array(fc.string({ unit: fc.constantFrom('a', 'a', 'b', 'c', ' ', "'s", 'é', '\n'), maxLength: 12 }), {
    maxLength: 12,
  })
  .map((parts) => parts.join(' '));

/** The merges by the definition: all pairs of all words counted anew for every merge. */
function naiveMerges(text: string, vocabSize: number): string[] {
  const symbols = byteSymbols();
  const pieces = symbols.toSorted();
  const pattern =
    /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
  let words = (text.match(pattern) ?? []).map((word) => Array.from(new TextEncoder().encode(word), (b) => symbols[b]));
  const merges: string[] = [];
  while (pieces.length < vocabSize) {
    const counts = new Map<string, number>();
    for (const word of words) {
      for (const [at, piece] of word.slice(1).entries()) {
        const pair = `${word[at]} ${piece}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const ids = (pair: string): number[] => pair.split(' ').map((piece) => pieces.indexOf(piece));
    const [best] = [...counts].sort(([a, m], [b, n]) => n - m || ids(a)[0] - ids(b)[0] || ids(a)[1] - ids(b)[1]);
    if (best === undefined || best[1] < 2) break;
    merges.push(best[0]);
    const [left, right] = best[0].split(' ');
    if (!pieces.includes(left + right)) pieces.push(left + right);
    words = words.map((word) => {
      const joined: string[] = [];
      for (let at = 0; at < word.length; at++) {
        if (word[at] === left && word[at + 1] === right) joined.push(left + word[++at]);
        else joined.push(word[at]);
      }
      return joined;
    });
  }
  return merges;
}

describe('trainBpe', () => {
  test.prop([fc.oneof(repetitive, someText), fc.integer({ min: 256, max: 280 })], { numRuns: 300 })(
    'merges the pair that occurs most, the lowest ids of equals, and numbers the pieces without a gap',
    (text, vocabSize) => {
      const { vocab, merges } = trainBpe(text, vocabSize).model;
      expect(merges).toEqual(naiveMerges(text, vocabSize));
      const learned = new Set(merges.map((pair) => pair.replace(' ', '')));
      expect(Object.keys(vocab).toSorted((a, b) => vocab[a] - vocab[b])).toEqual([
        ...byteSymbols().toSorted(),
        ...learned,
      ]);
      expect(Object.values(vocab).toSorted((a, b) => a - b)).toEqual([...Array(256 + learned.size).keys()]);
    },
  );

  describe('on a real text', () => {
    const json = trainBpe(tinyText, 512);
    const own = tokenizerFromJson(JSON.parse(JSON.stringify(json)), undefined, 'trained');
    const library = new Library(JSON.parse(JSON.stringify(json)), {});

    it('reaches the size it was asked for, and gives a vocabulary of half the size as its start', () => {
      expect(own.vocabSize).toBe(512);
      expect(json.model.merges.slice(0, 128)).toEqual(trainBpe(tinyText, 384).model.merges);
      // Known by the text: the most frequent pair, and tokens of two bytes a token on average.
      expect(json.model.merges[0]).toBe(naiveMerges(tinyText, 257)[0]);
      expect(own.encode(tinyText).length).toBeLessThan(tinyText.length / 1.9);
    });

    test.prop([someText], { examples: trickyTexts.map((text) => [text]) })(
      'writes a file by which our reader and the library give back every text',
      (text) => {
        const ids = own.encode(text);
        expect(own.decode(ids)).toBe(text);
        // The library refuses to decode nothing.
        if (ids.length > 0) expect(library.decode(ids, { clean_up_tokenization_spaces: false })).toBe(text);
        expect(ids.reduce((sum, id) => sum + own.byteLength(id), 0)).toBe(new TextEncoder().encode(text).length);
      },
    );

    it('uses every merge on the text that it learned from', () => {
      expect(library.encode(tinyText).ids).toEqual(own.encode(tinyText));
      const used = new Set(own.encode(tinyText));
      // A piece that only ever was a part of longer ones is not a token of the text; the last one
      // cannot be.
      expect(used.has(511)).toBe(true);
      expect(used.size).toBeGreaterThan(256);
    });
  });

  it('gives fewer tokens where no pair occurs twice', () => {
    expect(trainBpe('', 300).model.merges).toEqual([]);
    expect(trainBpe('abc', 300).model.merges).toEqual([]);
    // Pairs overlap in 'aaa' and are merged from the left: aa a.
    expect(trainBpe('aaa', 300).model.merges).toEqual(['a a']);
  });

  it.each([255, 256.5, NaN, Infinity, 2 ** 20 + 1])('refuses a vocabulary of %d', (vocabSize) => {
    expect(() => trainBpe('a', vocabSize)).toThrow(ShapeError);
  });
});
