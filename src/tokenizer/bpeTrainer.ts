/**
 * Byte-level byte-pair encoding, learned from a text: words are split as GPT-2 does, start as
 * bytes, and the pair of neighbours that occurs most often becomes one token, again and again
 * (Sennrich et al. 2016; on bytes, Radford et al. 2019). The result is what Hugging Face's
 * BpeTrainer learns with the bytes as its first alphabet.
 */
import { ShapeError } from '../errors.ts';
import { byteSymbols } from './byteSymbols.ts';
import type { JsonRecord } from './jsonFields.ts';
import { Pattern } from './regex/pattern.ts';
import { gpt2Pattern } from './splitPatterns.ts';
import { wellFormed } from './wellFormed.ts';

/** The fields of a `tokenizer.json`, which `JSON.stringify` turns into the file. */
export interface BpeTokenizerJson extends JsonRecord {
  readonly model: {
    readonly type: 'BPE';
    /**
     * Piece to id. Ids 0 … 255 are the bytes, in the order of the characters that spell them; then
     * merge by merge.
     */
    readonly vocab: Readonly<Record<string, number>>;
    /** `left right`, in the order in which they were learned. */
    readonly merges: readonly string[];
  };
}

/** A distinct word of the text, as the tokens it consists of so far. */
interface Word {
  ids: number[];
  /** How often the text has it. */
  readonly count: number;
}

/**
 * Learns a vocabulary of `vocabSize` tokens, 256 of them the bytes. Of pairs that occur equally
 * often the one with the lowest left id is merged, then that with the lowest right id, so that a
 * text has one result. A pair in "aaa" counts twice, though only one of the two can be merged.
 * Pairs that occur once are left alone: a text that has no others gives a smaller vocabulary.
 *
 * Counts are kept from merge to merge, and only words that hold the merged pair are counted anew.
 * Each merge looks once at all different pairs.
 * @throws ShapeError where `vocabSize` is not an integer from 256 to 2²⁰.
 */
export function trainBpe(text: string, vocabSize: number): BpeTokenizerJson {
  if (!Number.isInteger(vocabSize) || vocabSize < 256 || vocabSize > MAX_VOCABULARY) {
    throw new ShapeError(`a vocabulary of ${vocabSize} is not an integer from 256 to ${MAX_VOCABULARY}.`);
  }
  const pieces = byteSymbols.toSorted();
  const idOf = new Map(pieces.map((piece, id) => [piece, id]));
  const byteIds = byteSymbols.map((symbol) => pieces.indexOf(symbol));
  const words = wordsOf(text, byteIds);
  const pairs = new PairCounts();
  for (const word of words) pairs.add(word);

  const merges: string[] = [];
  while (pieces.length < vocabSize) {
    const best = pairs.mostFrequent();
    if (best === null) break;
    const [left, right] = best;
    const piece = pieces[left] + pieces[right];
    // Two pairs can spell one piece; it stays one token.
    const id = idOf.get(piece) ?? pieces.length;
    pieces[id] = piece;
    idOf.set(piece, id);
    merges.push(`${pieces[left]} ${pieces[right]}`);
    for (const word of pairs.wordsWith(left, right)) {
      pairs.remove(word);
      word.ids = merged(word.ids, left, right, id);
      pairs.add(word);
    }
  }
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: { type: 'BPE', vocab: Object.fromEntries(idOf), merges },
  };
}

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/** Two ids of this size make one exact number. */
const MAX_VOCABULARY = 2 ** 20;

/** How often each pair of neighbours occurs, and in which words. */
class PairCounts {
  /** By `left * MAX_VOCABULARY + right`. */
  readonly #pairs = new Map<number, { count: number; words: Set<Word> }>();

  add(word: Word): void {
    for (let at = 0; at + 1 < word.ids.length; at++) {
      const key = word.ids[at] * MAX_VOCABULARY + word.ids[at + 1];
      const pair = this.#pairs.get(key) ?? { count: 0, words: new Set<Word>() };
      pair.count += word.count;
      pair.words.add(word);
      this.#pairs.set(key, pair);
    }
  }

  remove(word: Word): void {
    for (let at = 0; at + 1 < word.ids.length; at++) {
      const key = word.ids[at] * MAX_VOCABULARY + word.ids[at + 1];
      const pair = this.#pairs.get(key);
      if (pair === undefined) continue;
      pair.count -= word.count;
      pair.words.delete(word);
      if (pair.count === 0) this.#pairs.delete(key);
    }
  }

  /** The words that hold a pair, as they are now. */
  wordsWith(left: number, right: number): Word[] {
    return [...(this.#pairs.get(left * MAX_VOCABULARY + right)?.words ?? [])];
  }

  /** The pair to merge, or null where none occurs twice. */
  mostFrequent(): [number, number] | null {
    let best = 0;
    let most = 0;
    for (const [key, { count }] of this.#pairs) {
      if (count > most || (count === most && key < best)) [best, most] = [key, count];
    }
    return most < 2 ? null : [Math.floor(best / MAX_VOCABULARY), best % MAX_VOCABULARY];
  }
}

/** A word's ids with each `left`, `right` as the one id, from left to right. */
function merged(ids: readonly number[], left: number, right: number, id: number): number[] {
  const result: number[] = [];
  for (let at = 0; at < ids.length; at++) {
    const pair = ids[at] === left && ids[at + 1] === right;
    result.push(pair ? id : ids[at]);
    if (pair) at++;
  }
  return result;
}

/** The different words of a text. */
function wordsOf(text: string, byteIds: readonly number[]): Word[] {
  const counts = new Map<string, number>();
  for (const [start, end] of new Pattern(gpt2Pattern, 'GPT-2').matches(wellFormed(text))) {
    const word = text.slice(start, end);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const utf8 = new TextEncoder();
  return Array.from(counts, ([word, count]) => ({
    ids: Array.from(utf8.encode(word), (byte) => byteIds[byte]),
    count,
  }));
}
