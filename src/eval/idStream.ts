/** Token ids out of a .json array that comes in pieces. */
import { DataError } from '../errors.ts';
import { IdBuffer } from '../tokenizer/idBuffer.ts';
import { kindOf } from './jsonWords.ts';
import { parseIds } from './textData.ts';

/** Characters up to which a file is read as one JSON text, whose errors are told in full. */
const SMALL = 1 << 24;

/** Longer than any number that is an id. */
const LONGEST_NUMBER = 40;

/**
 * @param limit ids to read; the rest of a large file is not looked at.
 * @param small characters up to which a file is read as one JSON text.
 * @throws DataError for anything but a flat array of ids.
 */
export async function readIdStream(
  name: string,
  pieces: AsyncIterable<string> | Iterable<string>,
  limit: number,
  small: number = SMALL,
): Promise<{ ids: Int32Array; whole: boolean }> {
  let start: string[] | null = [];
  let length = 0;
  const parser = new IdParser(name);
  for await (const piece of pieces) {
    length += piece.length;
    if (start !== null) {
      start.push(piece);
      if (length < small) continue;
      for (const early of start) parser.take(early);
      start = null;
    } else parser.take(piece);
    if (parser.ids.length >= limit) return { ids: parser.ids.first(limit), whole: false };
  }
  if (start === null) return { ids: parser.end().first(limit), whole: true };
  const text = start.join('');
  if (text.trim() === '') throw new DataError('the file is empty.', { where: name });
  const ids = parseIds(name, text);
  return { ids: Int32Array.from(ids.length > limit ? ids.slice(0, limit) : ids), whole: true };
}

/** A flat array of numbers, read character by character. */
class IdParser {
  readonly ids = new IdBuffer();
  readonly #name: string;
  #state: 'before' | 'value' | 'first value' | 'after value' | 'end' = 'before';
  #number = '';

  constructor(name: string) {
    this.#name = name;
  }

  take(piece: string): void {
    for (const char of piece) {
      if (/[-+.\deE]/.test(char) && (this.#number !== '' || this.#state.endsWith('value'))) this.#digit(char);
      else this.#between(char);
    }
  }

  end(): IdBuffer {
    if (this.#state !== 'end') throw new DataError('is not valid JSON: the array does not end.', { where: this.#name });
    return this.ids;
  }

  #digit(char: string): void {
    if (this.#state === 'after value' && this.#number === '') throw this.#wrong(char);
    this.#number += char;
    this.#state = 'after value';
    if (this.#number.length > LONGEST_NUMBER) throw this.#wrong(this.#number);
  }

  #between(char: string): void {
    if (this.#number !== '') this.#finish();
    if (/[ \t\r\n]/.test(char)) return;
    if (char === '[' && this.#state === 'before') this.#state = 'first value';
    else if (char === ',' && this.#state === 'after value') this.#state = 'value';
    else if (char === ']' && (this.#state === 'after value' || this.#state === 'first value')) this.#state = 'end';
    else throw this.#wrong(char);
  }

  #finish(): void {
    let id: unknown;
    try {
      id = JSON.parse(this.#number);
    } catch {
      throw this.#wrong(this.#number);
    }
    if (!(typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 2 ** 31)) {
      throw new DataError(`entry ${this.ids.length} is ${kindOf(id)}, not a token id.`, { where: this.#name });
    }
    this.ids.push([id]);
    this.#number = '';
  }

  #wrong(text: string): DataError {
    return new DataError(`is not a flat array of token ids: ${kindOf(text)} at entry ${this.ids.length}.`, {
      where: this.#name,
      remedy: 'Write [1, 2, 3, …]; rows of text go into a .jsonl file, one object a line.',
    });
  }
}
