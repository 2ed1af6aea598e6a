/**
 * The pre-tokenizers of a `tokenizer.json`: where a text is split into words, which merges never
 * cross.
 */
import { FormatError } from '../errors.ts';
import { byteSymbolsOf } from './byteSymbols.ts';
import { flagField, shown, textField, type JsonRecord } from './jsonFields.ts';
import { readMetaspace } from './metaspace.ts';
import { prefixed, type Piece } from './piece.ts';
import { isPunctuation } from './punctuation.ts';
import { CharSet, testOf, type CharTest } from './regex/charSet.ts';
import type { Span } from './regex/pattern.ts';
import { readFinder, regexFinder, type Finder } from './replacement.ts';
import { gpt2Pattern } from './splitPatterns.ts';
import { behaviors, splitAt, type Behavior } from './splitting.ts';
import { readStage, type Part, type StageReader } from './stage.ts';

export interface PreTokenizer extends Part {
  split(pieces: readonly Piece[]): readonly Piece[];
  /** Whether its output spells bytes, a character each. */
  readonly bytes: boolean;
}

const stage: StageReader<PreTokenizer> = {
  name: 'pre_tokenizer',
  sequenceKey: 'pretokenizers',
  readers: {
    ByteLevel: byteLevel,
    CharDelimiterSplit: charDelimiter,
    Digits: digits,
    Metaspace: metaspace,
    Punctuation: (json, where) => {
      return each((piece) => splitAt(piece, spansOf(punctuation, piece.text), readBehavior(json, where, 'Isolated')));
    },
    Split: split,
    Whitespace: () =>
      splitting(regexFinder('[\\w\\u200c\\u200d]+|[^\\w\\s\\u200c\\u200d]+', 'Whitespace'), 'Removed', true),
    WhitespaceSplit: () => each((piece) => splitAt(piece, spansOf(whiteSpace, piece.text), 'Removed')),
  },
  join: (parts) => ({
    split: (pieces) => parts.reduce((result, part) => part.split(result), pieces),
    bytes: parts.some((part) => part.bytes),
  }),
};

const numeric = new CharSet(testOf('\\p{N}'));
const whiteSpace = new CharSet(testOf('\\p{White_Space}'));
const punctuation = new CharSet(isPunctuation);

/** @throws FormatError, UnsupportedModelError. */
export function readPreTokenizer(json: unknown, where: string): PreTokenizer | null {
  return readStage(stage, json, where);
}

/** A part that treats every piece by itself. */
function each(treat: (piece: Piece) => readonly Piece[]): PreTokenizer {
  return { split: (pieces) => pieces.flatMap(treat), growth: 1, bytes: false };
}

function splitting(finder: Finder, behavior: Behavior, invert: boolean): PreTokenizer {
  return each((piece) => splitAt(piece, finder.find(piece.text), behavior, invert));
}

/** The characters of a set in a text, one by one. */
function spansOf(set: CharSet, text: string): Span[] {
  const spans: Span[] = [];
  for (let at = 0; at < text.length;) {
    const codePoint = text.codePointAt(at) ?? 0;
    const end = at + (codePoint > 0xffff ? 2 : 1);
    if (set.has(codePoint)) spans.push([at, end]);
    at = end;
  }
  return spans;
}

/**
 * Puts a space first where there is none, splits as GPT-2 does, spells bytes. The space is U+0020,
 * no other.
 */
function byteLevel(json: JsonRecord, where: string): PreTokenizer {
  const prefix = flagField(json, 'add_prefix_space', true, where);
  const finder = flagField(json, 'use_regex', true, where) ? regexFinder(gpt2Pattern, where) : null;
  return {
    split: (pieces) =>
      pieces.flatMap((piece) => {
        const spaced = prefix && !piece.text.startsWith(' ') ? prefixed(' ', piece) : piece;
        const words = finder === null ? [spaced] : splitAt(spaced, finder.find(spaced.text), 'Isolated');
        return words.map(spelled);
      }),
    growth: 3,
    bytes: true,
  };
}

function spelled({ text, atStart }: Piece): Piece {
  return { text: byteSymbolsOf(text), atStart: atStart === 0 ? 0 : byteSymbolsOf(text.slice(0, atStart)).length };
}

/** Digits of any script. */
function digits(json: JsonRecord, where: string): PreTokenizer {
  const behavior = flagField(json, 'individual_digits', false, where) ? 'Isolated' : 'Contiguous';
  return each((piece) => splitAt(piece, spansOf(numeric, piece.text), behavior));
}

function split(json: JsonRecord, where: string): PreTokenizer {
  const invert = flagField(json, 'invert', false, where);
  return splitting(readFinder(json, where), readBehavior(json, where), invert);
}

function readBehavior(json: JsonRecord, where: string, fallback?: Behavior): Behavior {
  const name = fallback !== undefined && json.behavior === undefined ? fallback : textField(json, 'behavior', where);
  const behavior = behaviors.find((known) => known === name);
  if (behavior !== undefined) return behavior;
  throw new FormatError(`the behavior ${shown(name, 40)} is not one of ${behaviors.join(', ')}.`, { where });
}

function charDelimiter(json: JsonRecord, where: string): PreTokenizer {
  const delimiter = textField(json, 'delimiter', where);
  if ([...delimiter].length !== 1) throw new FormatError("'delimiter' is not one character.", { where });
  const only: CharTest = (codePoint) => codePoint === delimiter.codePointAt(0);
  const set = new CharSet(only);
  return each((piece) => splitAt(piece, spansOf(set, piece.text), 'Removed'));
}

/**
 * A mark for every space, one more before the text, and with `split`, the default, a new word at
 * every mark.
 */
function metaspace(json: JsonRecord, where: string): PreTokenizer {
  const { replacement, scheme } = readMetaspace(json, where);
  const marks = new CharSet((codePoint) => codePoint === replacement.codePointAt(0));
  const splits = flagField(json, 'split', true, where);
  return each((piece) => {
    const text = piece.text.replaceAll(' ', replacement);
    const marked = {
      text,
      atStart: piece.atStart + (piece.text[0] === ' ' && piece.atStart > 0 ? replacement.length - 1 : 0),
    };
    const first = scheme === 'always' || (scheme === 'first' && piece.atStart > 0);
    const whole = first && !text.startsWith(replacement) ? prefixed(replacement, marked) : marked;
    return splits ? splitAt(whole, spansOf(marks, whole.text), 'MergedWithNext') : [whole];
  });
}
