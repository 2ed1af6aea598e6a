/**
 * What becomes of the places at which a text is split, against a twin that labels each character.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { prefixed, sliceOf, type Piece } from '../../src/tokenizer/piece.ts';
import { behaviors, splitAt, type Behavior } from '../../src/tokenizer/splitting.ts';

type Span = [number, number];

/** A text as a list of runs; a run is a place to split at or lies between such places. */
const runs = fc.array(fc.record({ text: fc.stringMatching(/^[a-z]{1,3}$/), place: fc.boolean() }), { maxLength: 8 });
type Run = { text: string; place: boolean };

const textOf = (list: readonly Run[]): string => list.map(({ text }) => text).join('');

function placesOf(list: readonly Run[]): Span[] {
  let at = 0;
  return list.flatMap(({ text, place }): Span[] => {
    const start = at;
    at += text.length;
    return place ? [[start, at]] : [];
  });
}

/** Neighbours that are no places are one stretch of text: only places keep their borders. */
function stretches(list: readonly Run[]): Run[] {
  const joined: Run[] = [];
  for (const run of list) {
    const last = joined.at(-1);
    if (last !== undefined && !last.place && !run.place) last.text += run.text;
    else joined.push({ ...run });
  }
  return joined;
}

/** Writes a letter for each stretch and a `|` wherever two of them come apart. */
function twin(list: readonly Run[], behavior: Behavior): string[] {
  const parts = stretches(list);
  if (behavior === 'Removed') return parts.filter(({ place }) => !place).map(({ text }) => text);
  const kinds = parts.map(({ place }) => (place ? 'P' : 't')).join('');
  const groups = {
    Isolated: /./g,
    Contiguous: /P+|t/g,
    MergedWithPrevious: /tP|./g,
    MergedWithNext: /Pt|./g,
  }[behavior];
  let at = 0;
  return (kinds.match(groups) ?? []).map((group) => {
    at += group.length;
    return textOf(parts.slice(at - group.length, at));
  });
}

const whole = (text: string): Piece => ({ text, atStart: Math.min(1, text.length) });
const texts = (pieces: readonly Piece[]): string[] => pieces.map(({ text }) => text);

describe.each(behaviors)('splitting, %s', (behavior) => {
  test.prop([runs])('is what the twin does', (list) => {
    expect(texts(splitAt(whole(textOf(list)), placesOf(list), behavior))).toEqual(twin(list, behavior));
  });

  test.prop([runs])('inverted, what lies between becomes the places', (list) => {
    const joined = stretches(list);
    // Only places that do not touch are the gaps between the gaps.
    const apart = joined.filter(({ place }, index) => !(place && joined[index - 1]?.place === true));
    const found = placesOf(stretches(apart));
    const gaps = placesOf(stretches(apart).map(({ text, place }) => ({ text, place: !place })));
    const piece = whole(textOf(apart));
    expect(splitAt(piece, found, behavior, true)).toEqual(splitAt(piece, gaps, behavior));
  });

  test.prop([runs, fc.nat(6)])(
    'keeps every character but those removed, and what stands at the start',
    (list, mark) => {
      const text = textOf(list);
      const piece = { text, atStart: Math.min(mark, text.length) };
      const parts = splitAt(piece, placesOf(list), behavior);
      expect(texts(parts)).not.toContain('');
      if (behavior === 'Removed') return;
      expect(texts(parts).join('')).toBe(text);
      expect(parts.reduce((sum, { atStart }) => sum + atStart, 0)).toBe(piece.atStart);
      // Units at the start fill the pieces one after the other.
      const open = parts.findIndex((part) => part.atStart < part.text.length);
      if (open >= 0) expect(parts.slice(open + 1).every(({ atStart }) => atStart === 0)).toBe(true);
    },
  );
});

describe('a piece', () => {
  const pieces = fc
    .tuple(fc.string(), fc.nat(5))
    .map(([text, mark]) => ({ text, atStart: Math.min(mark, text.length) }));

  test.prop([pieces, fc.nat(20)])('cut in two has as many units at the start as before', (piece, cut) => {
    const at = Math.min(cut, piece.text.length);
    const [left, right] = [sliceOf(piece, 0, at), sliceOf(piece, at, piece.text.length)];
    expect(left.text + right.text).toBe(piece.text);
    expect([left.atStart, right.atStart]).toEqual([Math.min(at, piece.atStart), Math.max(0, piece.atStart - at)]);
  });

  test.prop([pieces, fc.string({ minLength: 1, maxLength: 3 })])(
    'with a prefix starts where it did',
    (piece, prefix) => {
      const longer = prefixed(prefix, piece);
      expect(longer.text).toBe(prefix + piece.text);
      expect(longer.atStart).toBe(piece.atStart === 0 ? 0 : prefix.length + piece.atStart);
    },
  );

  it('of a text without places is the whole; a text that is one place goes with Removed', () => {
    for (const behavior of behaviors) {
      expect(texts(splitAt(whole('ab'), [], behavior))).toEqual(['ab']);
      expect(texts(splitAt(whole('ab'), [[0, 2]], behavior))).toEqual(behavior === 'Removed' ? [] : ['ab']);
      expect(splitAt(whole(''), [], behavior)).toEqual([]);
    }
  });
});
