/** The normalizers of a `tokenizer.json`: what happens to a text before it is split. */
import { UnsupportedModelError } from '../errors.ts';
import { byteSymbolsOf } from './byteSymbols.ts';
import { flagField, textField, type JsonRecord } from './jsonFields.ts';
import { prefixed, sliceOf, type Piece } from './piece.ts';
import { readReplacement } from './replacement.ts';
import { readStage, type Part, type StageReader } from './stage.ts';
import { isSpace } from './whiteSpace.ts';

export interface Normalizer extends Part {
  apply(piece: Piece): Piece;
  /** Whether its output spells bytes, a character each. */
  readonly bytes: boolean;
}

const stage: StageReader<Normalizer> = {
  name: 'normalizer',
  sequenceKey: 'normalizers',
  readers: {
    NFC: unicodeForm,
    NFD: unicodeForm,
    NFKC: unicodeForm,
    NFKD: unicodeForm,
    // Each character by itself: JavaScript would write a Σ that ends a word as ς.
    Lowercase: () => mapping((text) => text.replaceAll('Σ', 'σ').toLowerCase(), 2),
    Strip: strip,
    Prepend: prepend,
    Replace: replace,
    ByteLevel: () => ({ ...mapping(byteSymbolsOf, 3), bytes: true }),
  },
  join: (parts) => ({
    apply: (piece) => parts.reduce((result, part) => part.apply(result), piece),
    bytes: parts.some((part) => part.bytes),
  }),
};

/** @throws FormatError, UnsupportedModelError. */
export function readNormalizer(json: unknown, where: string): Normalizer | null {
  return readStage(stage, json, where);
}

/** A change of a text that changes its beginning in the same way. */
function mapping(map: (text: string) => string, growth: number): Normalizer {
  return {
    apply({ text, atStart }) {
      const result = map(text);
      return { text: result, atStart: atStart === 0 ? 0 : Math.min(result.length, map(text.slice(0, atStart)).length) };
    },
    growth,
    bytes: false,
  };
}

function unicodeForm(json: JsonRecord): Normalizer {
  return mapping((text) => text.normalize(String(json.type)), 1);
}

function strip(json: JsonRecord, where: string): Normalizer {
  const left = flagField(json, 'strip_left', true, where);
  const right = flagField(json, 'strip_right', true, where);
  return {
    apply(piece) {
      const { text } = piece;
      let start = 0;
      let end = text.length;
      if (left) while (start < end && isSpace(text[start])) start++;
      if (right) while (end > start && isSpace(text[end - 1])) end--;
      return sliceOf(piece, start, end);
    },
    growth: 1,
    bytes: false,
  };
}

function prepend(json: JsonRecord, where: string): Normalizer {
  const prefix = textField(json, 'prepend', where);
  return { apply: (piece) => (piece.text === '' ? piece : prefixed(prefix, piece)), growth: 1, bytes: false };
}

function replace(json: JsonRecord, where: string): Normalizer {
  const { finder, content, growth } = readReplacement(json, where);
  if (finder.canBeEmpty) {
    throw new UnsupportedModelError('a Replace whose pattern can match nothing is not supported.', { where });
  }
  return {
    apply(piece) {
      const parts: string[] = [];
      let atStart = 0;
      let done = 0;
      const keep = (end: number): void => {
        const part = sliceOf(piece, done, end);
        parts.push(part.text);
        atStart += part.atStart;
      };
      for (const [start, end] of finder.find(piece.text)) {
        keep(start);
        parts.push(content);
        // What is put in stands for the last character that it replaces.
        if (lastCharacter(piece.text, end) < piece.atStart) atStart += content.length;
        done = end;
      }
      if (done === 0) return piece;
      keep(piece.text.length);
      return { text: parts.join(''), atStart };
    },
    growth,
    bytes: false,
  };
}

/** Where the character begins that ends at `end`. */
function lastCharacter(text: string, end: number): number {
  return (text.charCodeAt(end - 1) & 0xfc00) === 0xdc00 ? end - 2 : end - 1;
}
