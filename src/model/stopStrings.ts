import { UsageError } from '../errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** What has become certain of a text, and the stop string that ends it. */
export interface Stopped {
  readonly text: string;
  /** Null while the text goes on. */
  readonly stop: string | null;
}

/**
 * Ends a text before a stop string, wherever the pieces are cut in which the text comes. The end of
 * a piece that may become a stop string is held back until that is certain. Of several stop strings
 * the one counts that is complete first; of two that end together, the longer.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';

  /** @param stops none is empty. */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** The text that is certain with this piece. */
  push(piece: string): Stopped {
    const text = this.#held + piece;
    let stop: string | null = null;
    let begin = Infinity;
    for (const one of this.#stops) {
      const at = text.indexOf(one);
      if (at < 0) continue;
      const later = stop === null ? -Infinity : at + one.length - (begin + stop.length);
      if (later > 0 || (later === 0 && at >= begin)) continue;
      [stop, begin] = [one, at];
    }
    if (stop !== null) {
      this.#held = '';
      return { text: text.slice(0, begin), stop };
    }
    const kept = text.length - this.#openEnd(text);
    this.#held = text.slice(kept);
    return { text: text.slice(0, kept), stop: null };
  }

  /** What is still held back, when no more text comes. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  /** How many of the last characters a stop string may begin with. */
  #openEnd(text: string): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, text.length); length > 0; length--) {
      const end = text.slice(text.length - length);
      if (this.#stops.some((stop) => stop.length > length && stop.startsWith(end))) return length;
    }
    return 0;
  }
}

/** @throws UsageError for a stop string that every text holds, or that no text can hold. */
export function checkStopStrings(stops: readonly string[]): void {
  for (const stop of stops) {
    if (stop === '') {
      throw new UsageError('is empty, which would end every text.', { where: '--stop', remedy: 'Leave it out.' });
    }
    if (/\p{Cs}/u.test(stop)) {
      throw new UsageError(`${JSON.stringify(stop)} holds half a character (a lone surrogate).`, { where: '--stop' });
    }
  }
}

/**
 * The special tokens that stop strings name, by id. Such a token stands for no text, so that it is
 * looked for among the ids.
 * @throws UsageError where one is only a part of a stop string, which could then never be found.
 */
export function stopTokens(stops: readonly string[], tokenizer: Tokenizer): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  if (stops.length === 0) return found;
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (tokenizer.byteLength(id) > 0) continue;
    const name = tokenizer.decode([id], { keepSpecial: true });
    const stop = name === '' ? undefined : stops.find((one) => one.includes(name));
    if (stop === undefined) continue;
    if (stops.includes(name)) found.set(id, name);
    else {
      throw new UsageError(`${JSON.stringify(stop)} holds the special token ${name}, which is not a text.`, {
        where: '--stop',
        remedy: 'Stop at that token alone, or at the text alone.',
      });
    }
  }
  return found;
}
