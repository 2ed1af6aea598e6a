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
  const { merges, ranks } = mergesFromScores(pieces, scores);
  const cuts = pieces.flatMap((piece) =>
    Array.from({ length: piece.length - 1 }, (_, i) => [piece.slice(0, i + 1), piece.slice(i + 1)]),
  );
  const possible = cuts.filter((pair) => pair.every((half) => pieces.includes(half)));
  expect(new Set(merges.map((pair) => pair.join('|')))).toEqual(new Set(possible.map((pair) => pair.join('|'))));
  expect(merges.length).toBe(possible.length);
  const ranked = merges.map((pair) => scores[pieces.indexOf(pair.join(''))]);
  expect(ranked).toEqual(ranked.toSorted((a, b) => b - a));
  // One rank for one score, and another for the next.
  expect(ranks.length).toBe(merges.length);
  for (const [at, rank] of ranks.entries()) {
    if (at > 0) expect(rank === ranks[at - 1]).toBe(ranked[at] === ranked[at - 1]);
  }
});

/**
 * SentencePiece itself, on one word: join the neighbours whose joint piece has the best score, the
 * first of them where several have, until none can be joined.
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

/** Pieces of which the longer ones are made of shorter ones, mostly. */
const grown = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 12 }).map((picks) => {
  const pieces = [...letters];
  for (const [left, right] of picks) {
    const piece = pieces[left % pieces.length] + pieces[right % pieces.length];
    if (piece.length <= 8 && !pieces.includes(piece)) pieces.push(piece);
  }
  return pieces;
});

/** By a tokenizer of merges made of scores. */
function merged(word: string, pieces: readonly string[], scores: readonly number[]): string[] {
  const { merges, ranks } = mergesFromScores(pieces, scores);
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const ids = hfTokenizer({ model: { type: 'BPE', vocab, merges } }, {}, 'x', ranks).encode(word);
  return ids.map((id) => pieces[id]);
}

test.prop(
  [
    grown.chain((pieces) => {
      // From all equal to all different.
      const scores = fc.integer({ min: 0, max: 12 }).chain((most) => {
        const score = fc.integer({ min: -most, max: 0 });
        return fc.array(score, { minLength: pieces.length, maxLength: pieces.length });
      });
      return fc.tuple(fc.constant(pieces), scores);
    }),
    // Longer words are merged by a heap.
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 }),
  ],
  { numRuns: 1000 },
)('merging by them gives the tokens of SentencePiece, the leftmost of equal scores first', ([pieces, scores], word) => {
  expect(merged(word, pieces, scores)).toEqual(sentencePiece(word, pieces, scores));
});

test('of equal scores the leftmost in the text is merged first, whatever the ids', () => {
  expect(merged('abc', ['a', 'b', 'c', 'bc', 'ab'], [0, 0, 0, -1, -1])).toEqual(['ab', 'c']);
  expect(merged('abc', ['a', 'b', 'c', 'ab', 'bc'], [0, 0, 0, -1, -1])).toEqual(['ab', 'c']);
  expect(merged('abc', ['a', 'b', 'c', 'ab', 'bc'], [0, 0, 0, -2, -1])).toEqual(['a', 'bc']);
  expect(merged('aaa', ['a', 'aa'], [0, Infinity])).toEqual(['aa', 'a']);
});

test('cuts that tie are ordered by the ids of their halves; tokens that are null take no part', () => {
  expect(mergesFromScores(['b', 'a', 'ab', 'bb', 'abb'], [0, 0, 0, 0, 1]).merges).toEqual([
    ['a', 'bb'],
    ['ab', 'b'],
    ['a', 'b'],
    ['b', 'b'],
  ]);
  expect(mergesFromScores(['a', null, 'ab', ''], [0, 0, 0, 0]).merges).toEqual([]);
  expect(mergesFromScores(['a', 'b', 'ab', 'ba'], [0, 0, Infinity, Infinity]).merges).toEqual([
    ['a', 'b'],
    ['b', 'a'],
  ]);
});
