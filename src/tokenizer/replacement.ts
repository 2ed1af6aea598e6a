/** Replace, a part of normalizers and decoders: every match of a pattern becomes a fixed text. */
import { FormatError } from '../errors.ts';
import { isRecord, textField, type JsonRecord } from './jsonFields.ts';
import { Pattern, type Span } from './regex/pattern.ts';

/** What finds the places of a pattern in a text. */
export interface Finder {
  find(text: string): readonly Span[];
  /** Whether it can find a place of no length. */
  readonly canBeEmpty: boolean;
  /** The least length of what it finds, where that is known; otherwise 0. */
  readonly length: number;
}

export interface Replacement {
  readonly finder: Finder;
  readonly content: string;
  readonly growth: number;
}

/** @throws FormatError, UnsupportedModelError for patterns that are broken or not supported. */
export function readReplacement(json: JsonRecord, where: string): Replacement {
  const finder = readFinder(json, where);
  const content = textField(json, 'content', where);
  // A regular expression may match between any two characters.
  const growth = finder.length > 0 ? content.length / finder.length : content.length + 1;
  return { finder, content, growth: Math.max(1, growth) };
}

/** The `pattern` of a Split or Replace: `{"String": …}` or `{"Regex": …}`. */
export function readFinder(json: JsonRecord, where: string): Finder {
  const { pattern } = json;
  if (isRecord(pattern)) {
    if (typeof pattern.Regex === 'string') return regexFinder(pattern.Regex, where);
    if (typeof pattern.String === 'string' && pattern.String !== '') return textFinder(pattern.String);
  }
  throw new FormatError("'pattern' is neither a Regex nor a String.", { where });
}

export function regexFinder(source: string, where: string): Finder {
  const pattern = new Pattern(source, where);
  return { find: (text) => pattern.matches(text), canBeEmpty: pattern.canBeEmpty, length: 0 };
}

function textFinder(wanted: string): Finder {
  const find = (text: string): Span[] => {
    const spans: Span[] = [];
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      spans.push([at, at + wanted.length]);
    }
    return spans;
  };
  return { find, canBeEmpty: false, length: wanted.length };
}
