import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** What a byte sequence that is no character decodes to. */
const REPLACEMENT = '\uFFFD';

/**
 * Tokens to text, one after the other. A character may need several tokens; until it is whole it is
 * held back. What is never made whole comes out as U+FFFD, at the latest at the end: no token's
 * bytes are dropped.
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #ids: number[];
  /**
   * Ids up to here were the context of what was last given out: what a token decodes to depends on
   * the one before.
   */
  #context = 0;
  /** Ids up to here are given out. */
  #given: number;

  /** @param prompt ids that come before, whose text is not given out. */
  constructor(tokenizer: Tokenizer, prompt: readonly number[]) {
    this.#tokenizer = tokenizer;
    this.#ids = [...prompt];
    this.#given = prompt.length;
  }

  /** The text that is certain with this token; empty while a character is unfinished. */
  push(id: number): string {
    this.#ids.push(id);
    const text = this.#held();
    if (text.endsWith(REPLACEMENT)) return '';
    // A special token stands for no text: what comes after it is still read after the text before
    // it.
    if (text !== '') this.#context = this.#given;
    this.#given = this.#ids.length;
    return text;
  }

  /** What is still held back. */
  end(): string {
    const text = this.#held();
    this.#given = this.#ids.length;
    return text;
  }

  #held(): string {
    const before = this.#tokenizer.decode(this.#ids.slice(this.#context, this.#given));
    const all = this.#tokenizer.decode(this.#ids.slice(this.#context));
    if (all.startsWith(before)) return all.slice(before.length);
    // Bytes that spoil a character that was whole: they are read by themselves.
    return this.#tokenizer.decode(this.#ids.slice(this.#given));
  }
}
