import { isSpace } from '../tokenizer/whiteSpace.ts';

/**
 * Words as lm-eval counts them for its word perplexity: the pieces that Python's
 * `re.split(r"\s+", text)` gives. So a text that begins or ends with white space has an empty word
 * more at that end, and a text without any character has one.
 */
export function countWords(text: string): number {
  const words = new WordCount();
  words.take(text);
  return words.count;
}

/** The words of a text that comes in pieces. */
export class WordCount {
  count = 1;
  #between = false;

  take(text: string): void {
    for (const char of text) {
      const space = char > ' ' && char < '\u0085' ? false : isPythonSpace(char);
      if (space && !this.#between) this.count++;
      this.#between = space;
    }
  }

  /** Counts what goes by. */
  async *counting(pieces: AsyncIterable<string>): AsyncGenerator<string, void> {
    for await (const piece of pieces) {
      this.take(piece);
      yield piece;
    }
  }
}

/** What Python's `\s` is in text: Unicode's white space, and the four separators below U+0020. */
function isPythonSpace(char: string): boolean {
  return isSpace(char) || (char >= '\u001C' && char <= '\u001F');
}
