/** Line ends as LF, in texts that come in pieces. */

/** `keep`: as they stand in the text. `lf`: CRLF and a lone CR become LF. */
export const lineEnds = ['keep', 'lf'] as const;
export type LineEnds = (typeof lineEnds)[number];

export class LfLineEnds {
  /** A \r whose text goes on: whether a \n follows is not known yet. */
  #waiting = false;

  /** What is known of a text's next piece. */
  take(piece: string): string {
    if (piece === '') return '';
    const text = this.#waiting ? `\r${piece}` : piece;
    this.#waiting = text.endsWith('\r');
    return (this.#waiting ? text.slice(0, -1) : text).replaceAll(/\r\n?/g, '\n');
  }

  /** The text has ended; gives what still waited. */
  end(): string {
    const rest = this.#waiting ? '\n' : '';
    this.#waiting = false;
    return rest;
  }
}
