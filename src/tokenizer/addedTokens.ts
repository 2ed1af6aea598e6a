/** Finds added tokens in a text: the longest that begins earliest, again and again. */
import { UnsupportedModelError } from '../errors.ts';
import { shown } from './jsonFields.ts';
import { sliceOf, type Piece } from './piece.ts';
import { CharSet, testOf } from './regex/charSet.ts';
import type { AddedToken } from './vocabulary.ts';

/** Part of a text: a piece that is still to be tokenised, or the id of an added token. */
export type Segment = Piece | number;

interface TrieNode {
  readonly next: Map<number, TrieNode>;
  token?: AddedToken;
}

const whiteSpace = new CharSet(testOf('\\p{White_Space}'));
const word = new CharSet(testOf('[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]'));

/** Some added tokens, by the texts that they are looked for. */
export class AddedTokens {
  readonly #root: TrieNode = { next: new Map() };

  /**
   * @param entries tokens with the texts to look for: their own, or those normalized.
   * @throws UnsupportedModelError where two of them have one text, or one has none.
   */
  constructor(entries: readonly (readonly [text: string, token: AddedToken])[], where: string) {
    for (const [text, token] of entries) {
      let node = this.#root;
      for (let at = 0; at < text.length; at++) {
        const unit = text.charCodeAt(at);
        const next = node.next.get(unit) ?? { next: new Map() };
        node.next.set(unit, next);
        node = next;
      }
      if (node === this.#root || node.token !== undefined) {
        const what = node.token === undefined ? 'nothing' : `the same as ${shown(node.token.content)}`;
        throw new UnsupportedModelError(`added token ${shown(token.content)} is ${what} once it is normalized.`, {
          where,
        });
      }
      node.token = token;
    }
  }

  /**
   * Cuts a piece into added tokens and what lies between. What a token's flags forbid stays text.
   * @param parseSpecial whether special tokens are looked for.
   */
  cut(piece: Piece, parseSpecial: boolean): Segment[] {
    const { text } = piece;
    if (this.#root.next.size === 0) return text === '' ? [] : [piece];
    const segments: Segment[] = [];
    let done = 0;
    for (let at = 0; at < text.length;) {
      const token = this.#longestAt(text, at);
      if (token === null) {
        at++;
        continue;
      }
      let [start, end] = [at, at + token.length];
      at = end;
      const { id, special, single_word: single, lstrip, rstrip } = token.token;
      if ((special && !parseSpecial) || (single && !standsAlone(text, start, end))) continue;
      if (lstrip) {
        while (start > done && whiteSpace.has(text.charCodeAt(start - 1))) start--;
        start = Math.max(start, done);
      }
      if (rstrip) while (end < text.length && whiteSpace.has(text.charCodeAt(end))) end++;
      if (start > done) segments.push(sliceOf(piece, done, start));
      // The token before it may have taken its white space, and with it all that it is.
      if (start < end) segments.push(id);
      done = end;
    }
    if (done < text.length) segments.push(sliceOf(piece, done, text.length));
    return segments;
  }

  #longestAt(text: string, start: number): { token: AddedToken; length: number } | null {
    let node: TrieNode | undefined = this.#root;
    let longest: { token: AddedToken; length: number } | null = null;
    for (let at = start; node !== undefined; at++) {
      if (node.token !== undefined) longest = { token: node.token, length: at - start };
      node = at < text.length ? node.next.get(text.charCodeAt(at)) : undefined;
    }
    return longest;
  }
}

/** Whether no letter or digit touches [start, end). */
function standsAlone(text: string, start: number, end: number): boolean {
  const low = start > 0 && (text.charCodeAt(start - 1) & 0xfc00) === 0xdc00 ? 2 : 1;
  const before = start > 0 && word.has(text.codePointAt(start - low) ?? 0);
  return !before && !(end < text.length && word.has(text.codePointAt(end) ?? 0));
}
