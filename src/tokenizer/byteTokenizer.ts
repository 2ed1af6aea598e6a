import type { Tokenizer } from './tokenizer.ts';

/** The texts of a byte tokenizer's special tokens, where it has them. */
export interface ByteTokenizerOptions {
  bos?: string;
  eos?: string;
}

/**
 * The simplest tokenizer there is: ids 0 … 255 are the bytes of the text's UTF-8. A BOS and an EOS, if any, take the
 * next ids in this order; a byte tokenizer with a BOS puts it at the start of a text.
 */
export function byteTokenizer(options: ByteTokenizerOptions, name: string): Tokenizer {
  const specials = [options.bos, options.eos].filter((text) => text !== undefined && text !== '') as string[];
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
      let rest = text;
      while (rest !== '') {
        const next = parseSpecial ? firstSpecial(rest, specials) : null;
        for (const byte of utf8.encode(rest.slice(0, next?.start))) ids.push(byte);
        if (next === null) break;
        ids.push(256 + next.index);
        rest = rest.slice(next.start + specials[next.index].length);
      }
      return ids;
    },
    decode(ids, { keepSpecial = false } = {}) {
      const bytes: number[] = [];
      for (const id of ids) {
        if (id >= 0 && id < 256) bytes.push(id);
        else if (keepSpecial && id - 256 in specials) bytes.push(...utf8.encode(specials[id - 256]));
      }
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
    },
    byteLength: (id) => (id >= 0 && id < 256 ? 1 : 0),
  };
}

/** Where the first special text begins, and which one it is; at one place the longest counts. */
function firstSpecial(text: string, specials: readonly string[]): { start: number; index: number } | null {
  let best: { start: number; index: number } | null = null;
  for (const [index, special] of specials.entries()) {
    const start = text.indexOf(special);
    if (start < 0) continue;
    const longer = best !== null && start === best.start && special.length > specials[best.index].length;
    if (best === null || start < best.start || longer) best = { start, index };
  }
  return best;
}
