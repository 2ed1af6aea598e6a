/** The byte-pair encoding model of a `tokenizer.json`: from a word to ids. */
import { mergeTable } from './mergeTable.ts';
import { mergeWord } from './mergeWord.ts';
import type { BpeModel } from './vocabulary.ts';

/**
 * Words that are kept with their ids: so many, and none longer. Texts repeat the same few thousand.
 */
const CACHED_WORDS = 50_000;
const CACHED_LENGTH = 64;

const utf8 = new TextEncoder();

/** A function from a word to its ids, which the caller must not change. */
export function bpe(model: BpeModel): (word: string) => readonly number[] {
  const { vocab } = model;
  const merges = mergeTable(
    model.merges.map(([left, right]) => [idIn(vocab, left), idIn(vocab, right), idIn(vocab, left + right)]),
    model.ranks,
  );
  const bytes = model.byte_fallback ? byteTokens(vocab) : [];
  const cache = new Map<string, readonly number[]>();

  return (word) => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    const whole = model.ignore_merges ? vocab.get(word) : undefined;
    const ids = whole === undefined ? mergeWord(symbolsOf(word, model, bytes), merges) : [whole];
    if (word.length <= CACHED_LENGTH) {
      if (cache.size >= CACHED_WORDS) cache.clear();
      cache.set(word, ids);
    }
    return ids;
  };
}

function idIn(vocab: ReadonlyMap<string, number>, piece: string): number {
  const id = vocab.get(piece);
  if (id === undefined) throw new TypeError(`merge of ${JSON.stringify(piece)}, which readVocabulary lets through`);
  return id;
}

/** The id of `<0xNN>` for every byte; undefined for those that the vocabulary lacks. */
function byteTokens(vocab: ReadonlyMap<string, number>): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) => {
    return vocab.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  });
}

/**
 * The ids of a word's characters. What the vocabulary lacks becomes its bytes where all of them
 * have tokens, otherwise the unknown token, and nothing where there is none. An unknown token that
 * is fused with those after it comes after the bytes in between: the format's own library has them
 * in this order.
 */
function symbolsOf(word: string, model: BpeModel, bytes: readonly (number | undefined)[]): number[] {
  const { vocab, unk_token: unknown } = model;
  const unknownId = unknown === null ? undefined : vocab.get(unknown);
  const ids: number[] = [];
  let pending = false;
  for (const char of word) {
    const id = vocab.get(char);
    const spelled = id === undefined && model.byte_fallback ? Array.from(utf8.encode(char), (byte) => bytes[byte]) : [];
    if (id !== undefined) {
      if (pending) ids.push(unknownId ?? 0);
      pending = false;
      ids.push(id);
    } else if (spelled.length > 0 && spelled.every((byte) => byte !== undefined)) {
      ids.push(...spelled);
    } else if (unknownId !== undefined) {
      if (pending && !model.fuse_unk) ids.push(unknownId);
      pending = true;
    }
  }
  if (pending) ids.push(unknownId ?? 0);
  return ids;
}
