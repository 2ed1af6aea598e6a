import { escapedPattern } from './splitPatterns.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The texts of a byte tokenizer's special tokens, where it has them. */
export interface ByteTokenizerOptions {
  bos?: string;
  eos?: string;
}

/**
 * The simplest tokenizer there is: ids 0 … 255 are the bytes of the text's UTF-8. A BOS and an EOS,
 * if any, take the next ids in this order; a byte tokenizer with a BOS puts it at the start of a
 * text.
 */
export function byteTokenizer(options: ByteTokenizerOptions, name: string): Tokenizer {
  // GPT-2 and others have one token for both.
  const specials = [...new Set([options.bos, options.eos])].filter(
    (text): text is string => text !== undefined && text !== '',
  );
  const pattern = anyOf(specials);
  const idOf = (text: string | undefined): number | null => {
    const index = text === undefined ? -1 : specials.indexOf(text);
    return index < 0 ? null : 256 + index;
  };
  const bosTokenId = idOf(options.bos);
  const utf8 = new TextEncoder();

  return {
    description: `bytes (${name})`,
    vocabSize: 256 + specials.length,
    bosTokenId,
    eosTokenId: idOf(options.eos),
    addsBos: bosTokenId !== null,
    encode(text, { parseSpecial = true } = {}) {
      const ids: number[] = [];
      let done = 0;
      const addBytes = (end: number): void => {
        for (const byte of utf8.encode(text.slice(done, end))) ids.push(byte);
      };
      for (const match of parseSpecial && pattern !== null ? text.matchAll(pattern) : []) {
        addBytes(match.index);
        ids.push(256 + specials.indexOf(match[0]));
        done = match.index + match[0].length;
      }
      addBytes(text.length);
      return ids;
    },
    decode(ids, { keepSpecial = false } = {}) {
      const bytes: number[] = [];
      for (const id of ids) {
        if (isByte(id)) bytes.push(id);
        else if (keepSpecial) for (const byte of utf8.encode(specials[id - 256])) bytes.push(byte);
      }
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
    },
    // No special token's text goes across.
    cutsBetween: (left, right) => !specials.some((text) => text.includes(left + right)),
    byteLength: (id) => (isByte(id) ? 1 : 0),
  };
}

function isByte(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < 256;
}

/**
 * Matches the special texts, the longest of those that begin at one place; null where there are
 * none.
 */
function anyOf(texts: readonly string[]): RegExp | null {
  if (texts.length === 0) return null;
  const longestFirst = texts.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escapedPattern).join('|'), 'g');
}
