import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import { mergesFromScores } from '../../src/tokenizer/mergesFromScores.ts';

const letters = ['▁', 'a', 'b', 'c'];

/** Vocabularies of short pieces with scores that often tie. */
const vocabularies = fc
  .uniqueArray(fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 5 }), { maxLength: 20 })
  .chain((pieces) =>
    fc.record({
      pieces: fc.constant(pieces),
      scores: fc.array(fc.integer({ min: -5, max: 0 }), { minLength: pieces.length, maxLength: pieces.length }),
    }),
  );

test.prop([vocabularies], { numRuns: 300 })('all cuts of all pieces, best score first', ({ pieces, scores }) => {
  const merges = mergesFromScores(pieces, scores);
  const cuts = pieces.flatMap((piece) =>
    Array.from({ length: piece.length - 1 }, (_, i) => [piece.slice(0, i + 1), piece.slice(i + 1)]),
  );
  const possible = cuts.filter((pair) => pair.every((half) => pieces.includes(half)));
  expect(new Set(merges.map((pair) => pair.join('|')))).toEqual(new Set(possible.map((pair) => pair.join('|'))));
  expect(merges.length).toBe(possible.length);
  const ranked = merges.map((pair) => scores[pieces.indexOf(pair.join(''))]);
  expect(ranked).toEqual(ranked.toSorted((a, b) => b - a));
});

/**
 * SentencePiece itself, on one word: join the neighbours whose joint piece has the best score, the first of them where
 * several have, until none can be joined.
 */
function sentencePiece(word: string, pieces: readonly string[], scores: readonly number[]): string[] {
  const parts = [...word];
  for (;;) {
    let best = -1;
    const scoreAt = (i: number): number => scores[pieces.indexOf(parts[i] + parts[i + 1])] ?? -Infinity;
    for (let i = 0; i + 1 < parts.length; i++) if (scoreAt(i) > (best < 0 ? -Infinity : scoreAt(best))) best = i;
    if (best < 0) return parts;
    parts.splice(best, 2, parts[best] + parts[best + 1]);
  }
}

/** Pieces that are each made in one way only: where there are two, SentencePiece takes the first in the text. */
const grown = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 12 }).map((picks) => {
  const pieces = [...letters];
  for (const [left, right] of picks) {
    const piece = pieces[left % pieces.length] + pieces[right % pieces.length];
    if (piece.length > 8 || pieces.includes(piece)) continue;
    const longer = [...pieces, piece];
    const cuts = mergesFromScores(
      longer,
      longer.map(() => 0),
    ).map((pair) => pair.join(''));
    if (new Set(cuts).size === cuts.length) pieces.push(piece);
  }
  return pieces;
});

test.prop(
  [
    grown.chain((pieces) => {
      const order = fc.shuffledSubarray([...pieces.keys()], { minLength: pieces.length });
      return fc.tuple(fc.constant(pieces), order);
    }),
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 }),
  ],
  { numRuns: 500 },
)('merging by them gives the tokens of SentencePiece', ([pieces, scores], word) => {
  const json = {
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: mergesFromScores(pieces, scores),
    },
  };
  const ids = hfTokenizer(json, {}, 'x').encode(word);
  expect(ids.map((id) => pieces[id])).toEqual(sentencePiece(word, pieces, scores));
});

test('cuts that tie are ordered by the ids of their halves; tokens that are null take no part', () => {
  expect(mergesFromScores(['b', 'a', 'ab', 'bb', 'abb'], [0, 0, 0, 0, 1])).toEqual([
    ['a', 'bb'],
    ['ab', 'b'],
    ['a', 'b'],
    ['b', 'b'],
  ]);
  expect(mergesFromScores(['a', null, 'ab', ''], [0, 0, 0, 0])).toEqual([]);
  expect(mergesFromScores(['a', 'b', 'ab', 'ba'], [0, 0, Infinity, Infinity])).toEqual([
    ['a', 'b'],
    ['b', 'a'],
  ]);
});
