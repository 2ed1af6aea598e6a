import { sliceOf, type Piece } from './piece.ts';
import type { Span } from './regex/pattern.ts';

/** What becomes of the places at which a text is split, as the format names it. */
export const behaviors = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
export type Behavior = (typeof behaviors)[number];

/** A part of a text; whether it is one of the places at which it is split. */
interface Range {
  start: number;
  end: number;
  readonly matched: boolean;
}

/**
 * Splits a piece at the places found in it.
 * @param invert whether the places are those that lie between.
 */
export function splitAt(piece: Piece, found: readonly Span[], behavior: Behavior, invert = false): Piece[] {
  const ranges = rangesOf(piece.text.length, found, invert);
  const merged =
    behavior === 'Removed'
      ? ranges.filter(({ matched }) => !matched)
      : behavior === 'Isolated'
        ? ranges
        : behavior === 'MergedWithNext'
          ? mergedWithNext(ranges)
          : mergedWithPrevious(ranges, behavior === 'Contiguous');
  return merged.filter(({ start, end }) => start < end).map(({ start, end }) => sliceOf(piece, start, end));
}

function rangesOf(length: number, found: readonly Span[], invert: boolean): Range[] {
  const ranges: Range[] = [];
  let done = 0;
  for (const [start, end] of found) {
    if (done !== start) ranges.push({ start: done, end: start, matched: invert });
    ranges.push({ start, end, matched: !invert });
    done = end;
  }
  if (done !== length) ranges.push({ start: done, end: length, matched: invert });
  return ranges;
}

/**
 * Contiguous: neighbours of one kind become one. Otherwise a place joins what is before it, unless
 * that is a place.
 */
function mergedWithPrevious(ranges: readonly Range[], contiguous: boolean): Range[] {
  const merged: Range[] = [];
  let previous = false;
  for (const range of ranges) {
    const last = merged.at(-1);
    const joins = contiguous ? range.matched === previous : range.matched && !previous;
    if (joins && last !== undefined) last.end = range.end;
    else merged.push({ ...range });
    previous = range.matched;
  }
  return merged;
}

function mergedWithNext(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  let previous = false;
  for (const range of ranges.toReversed()) {
    const last = merged.at(-1);
    if (range.matched && !previous && last !== undefined) last.start = range.start;
    else merged.push({ ...range });
    previous = range.matched;
  }
  return merged.reverse();
}
