/**
 * What a reader of a text should know before its perplexity is believed: line ends, marks and zeros
 * that models read as text.
 */

/** Watches a text go by in pieces. */
export class TextNotes {
  #crlf = 0;
  #lf = 0;
  #cr = 0;
  #nul = 0;
  #afterCr = false;
  #marks = 0;

  /** A byte order mark that stood before the text and is no part of it. */
  markLeftOut = false;

  /** The text that is watched goes on with LF for every line end. */
  asLf = false;

  watch(piece: string): void {
    if (piece === '') return;
    const last = piece.endsWith('\r');
    const borders = this.#afterCr && piece.startsWith('\n') ? 1 : 0;
    const crlf = count(piece, '\r\n') + borders;
    this.#crlf += crlf;
    this.#lf += count(piece, '\n') - crlf;
    // A \r at the end is counted with what follows it.
    this.#cr += count(piece, '\r') - (crlf - borders) - (last ? 1 : 0) + (this.#afterCr ? 1 - borders : 0);
    this.#nul += count(piece, '\0');
    this.#marks += count(piece, '\uFEFF');
    this.#afterCr = last;
  }

  /** Ends a text: what follows is another one. */
  end(): void {
    if (this.#afterCr) this.#cr++;
    this.#afterCr = false;
  }

  /** One sentence each; none for a text of plain lines. */
  sentences(): string[] {
    this.end();
    const notes: string[] = [];
    if (this.markLeftOut) notes.push('A byte order mark at the start was left out.');
    if (this.#marks > 0) notes.push(`There ${are(this.#marks, 'byte order mark')} inside the text, read as text.`);
    const convert = this.asLf
      ? 'They were read as LF.'
      : 'The model reads each \\r as text, which usually raises perplexity; add --newlines lf if that is not meant.';
    if (this.#crlf > 0) {
      const others = this.#lf > 0 ? `, and ${this.#lf} in LF` : '';
      notes.push(`${plural(this.#crlf, 'line ends', 'lines end')} in CRLF${others}. ${convert}`);
    }
    if (this.#cr > 0) notes.push(`There ${are(this.#cr, 'lone \\r')}, as old Macs ended lines. ${convert}`);
    if (this.#nul > 0) notes.push(`There ${are(this.#nul, 'NUL character')} in the text: is it text at all?`);
    return notes;
  }
}

function count(text: string, part: string): number {
  let found = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) found++;
  return found;
}

function are(number: number, what: string): string {
  return number === 1 ? `is 1 ${what}` : `are ${number} ${what.endsWith('\\r') ? what : `${what}s`}`;
}

function plural(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
