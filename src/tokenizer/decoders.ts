/** The decoders of a `tokenizer.json`: from tokens to the text that they stand for. */
import { FormatError } from '../errors.ts';
import { bytesOfSymbols } from './byteSymbols.ts';
import { textField, type JsonRecord } from './jsonFields.ts';
import { readMetaspace } from './metaspace.ts';
import { readReplacement } from './replacement.ts';
import { readStage, type Part, type StageReader } from './stage.ts';

export interface Decoder extends Part {
  /** Tokens to parts of the text, which are joined in the end. */
  decode(tokens: readonly string[]): readonly string[];
}

const stage: StageReader<Decoder> = {
  name: 'decoder',
  sequenceKey: 'decoders',
  readers: {
    ByteFallback: () => ({ decode: byteFallback, growth: 1 }),
    ByteLevel: () => ({ decode: byteLevel, growth: 1 }),
    Fuse: () => ({ decode: (tokens) => [tokens.join('')], growth: 1 }),
    Metaspace: metaspace,
    Replace: replace,
    Strip: strip,
  },
  join: (parts) => ({ decode: (tokens) => parts.reduce((result, part) => part.decode(result), tokens) }),
};

/** @throws FormatError, UnsupportedModelError. */
export function readDecoder(json: unknown, where: string): Decoder | null {
  return readStage(stage, json, where);
}

function byteLevel(tokens: readonly string[]): string[] {
  const bytes = tokens.flatMap((token) => [...bytesOfSymbols(token)]);
  return [new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))];
}

/** `<0xNN>` tokens in a row are UTF-8; where they are not, each is a U+FFFD. */
function byteFallback(tokens: readonly string[]): string[] {
  const parts: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length > 0) parts.push(...utf8Text(bytes));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x(\+?[0-9A-Fa-f]+)>$/.exec(token);
    if (byte !== null && token.length === 6) bytes.push(Number.parseInt(byte[1], 16));
    else {
      flush();
      parts.push(token);
    }
  }
  flush();
  return parts;
}

function utf8Text(bytes: readonly number[]): string[] {
  try {
    return [new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => '\ufffd');
  }
}

/** A mark is a space; in the first token it is nothing, unless nothing was put before texts. */
function metaspace(json: JsonRecord, where: string): Decoder {
  const { replacement, scheme } = readMetaspace(json, where);
  const spaced = (token: string, index: number): string => {
    return token.replaceAll(replacement, index === 0 && scheme !== 'never' ? '' : ' ');
  };
  return { decode: (tokens) => tokens.map(spaced), growth: 1 };
}

function replace(json: JsonRecord, where: string): Decoder {
  const { finder, content, growth } = readReplacement(json, where);
  const replaced = (token: string): string => {
    const parts: string[] = [];
    let done = 0;
    for (const [start, end] of finder.find(token)) {
      parts.push(token.slice(done, start), content);
      done = end;
    }
    return parts.join('') + token.slice(done);
  };
  return { decode: (tokens) => tokens.map(replaced), growth };
}

/**
 * Takes up to `start` of a character from the beginning of every token, and up to `stop` from its
 * end.
 */
function strip(json: JsonRecord, where: string): Decoder {
  const { start = 0, stop = 0 } = json;
  if (!isCount(start) || !isCount(stop)) throw new FormatError("'start' or 'stop' is not a count.", { where });
  const content = textField(json, 'content', where);
  if ([...content].length !== 1) throw new FormatError("'content' is not one character.", { where });
  const stripped = (token: string): string => {
    const chars = [...token];
    let from = 0;
    let to = chars.length;
    while (from < start && from < to && chars[from] === content) from++;
    while (to > from && chars.length - to < stop && chars[to - 1] === content) to--;
    return chars.slice(from, to).join('');
  };
  return { decode: (tokens) => tokens.map(stripped), growth: 1 };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
