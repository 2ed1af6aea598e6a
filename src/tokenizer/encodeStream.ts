/**
 * Text that comes in pieces, to the ids of the whole. Memory follows the ids that are wanted, not
 * the text.
 *
 * Text is cut where the tokenizer says that no token and no rule of splitting reaches across
 * (`cutsBetween`). A part is encoded together with a little of the text before it, whose ids are
 * then dropped: so what a tokenizer does at the start of a text, such as putting a space there,
 * happens there only. Where there is no such place the part grows.
 */
import { DataError } from '../errors.ts';
import { IdBuffer } from './idBuffer.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Characters (UTF-16 units) encoded at a time. */
const PART = 1 << 16;

/**
 * Characters without a place to cut, beyond which encoding would take more memory than there is.
 */
const LONGEST_PART = 1 << 26;

export interface StreamSettings {
  /** Ids to make; the text is read as far as they need. Default: all. */
  limit?: number;
  /** Runs each call of `encode`; for callers that must stay interruptible while it computes. */
  encodeNow?: (encode: () => number[]) => number[];
  /** Characters encoded at a time; default 65,536. Changes no id. */
  partLength?: number;
}

export interface EncodedStream {
  ids: Int32Array;
  /** Whether the text was read to its end. */
  whole: boolean;
}

/**
 * @throws DataError for a text of millions of characters without a place to cut; what the pieces
 * throw.
 */
export async function encodeStream(
  tokenizer: Tokenizer,
  pieces: AsyncIterable<string> | Iterable<string>,
  { limit = Infinity, encodeNow = (encode) => encode(), partLength = PART }: StreamSettings = {},
): Promise<EncodedStream> {
  const encoder = new PartEncoder(tokenizer, encodeNow);
  let waiting: string[] = [];
  let length = 0;
  let wanted = partLength;
  /** Characters at the beginning of what waits that have no place to cut. */
  let searched = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length < wanted) continue;
    const text = waiting.join('');
    const cut = lastCut(tokenizer, text, searched);
    if (cut > 0) encoder.take(text.slice(0, cut));
    if (encoder.ids.length >= limit) return { ids: encoder.ids.first(limit), whole: false };
    waiting = [text.slice(cut)];
    length = waiting[0].length;
    searched = cut > 0 ? 0 : length - 1;
    wanted = cut > 0 ? partLength : 2 * length;
    if (length > LONGEST_PART) {
      throw new DataError(`${length} characters have no place where they can be cut to be tokenised.`, {
        remedy: 'Give less text, or text in lines.',
      });
    }
  }
  encoder.take(waiting.join(''));
  return { ids: encoder.ids.first(limit), whole: true };
}

/** Encodes parts of a text one after the other. */
class PartEncoder {
  readonly ids = new IdBuffer();
  readonly #tokenizer: Tokenizer;
  readonly #encodeNow: (encode: () => number[]) => number[];
  /** The end of the part before, from a place to cut on, and how many ids it has. */
  #before = { text: '', ids: 0 };

  constructor(tokenizer: Tokenizer, encodeNow: (encode: () => number[]) => number[]) {
    this.#tokenizer = tokenizer;
    this.#encodeNow = encodeNow;
  }

  take(part: string): void {
    const { text, ids: known } = this.#before;
    const ids = this.#encodeNow(() => this.#tokenizer.encode(text + part));
    this.ids.push(ids, known);
    const tail = part.slice(Math.max(0, lastCut(this.#tokenizer, part, 0)));
    // A part that cannot be cut keeps what stood before it, so that it begins at a place to cut.
    const before = tail.length < part.length || text === '' ? tail : text + part;
    this.#before = { text: before, ids: this.#encodeNow(() => this.#tokenizer.encode(before)).length };
  }
}

/** The last place after `from` where a text may be cut; 0 = none. */
function lastCut(tokenizer: Tokenizer, text: string, from: number): number {
  if (tokenizer.cutsBetween === undefined) return 0;
  for (let at = text.length - 1; at > from; at--) {
    const unit = text.charCodeAt(at);
    if (isLowSurrogate(unit)) continue;
    // The second half may still come.
    if (isHighSurrogate(unit) && at === text.length - 1) continue;
    const left = isLowSurrogate(text.charCodeAt(at - 1)) && at > 1 ? text.slice(at - 2, at) : text[at - 1];
    const right = isHighSurrogate(unit) ? text.slice(at, at + 2) : text[at];
    if (tokenizer.cutsBetween(left, right)) return at;
  }
  return 0;
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}
