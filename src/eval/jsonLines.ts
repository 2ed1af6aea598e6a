/** Rows out of a .jsonl file: a JSON object a line. */
import { DataError } from '../errors.ts';
import { rowPart } from './jsonRows.ts';
import { checkRowLength, type TextPart, type TextReader } from './textPart.ts';

export class JsonLinesReader implements TextReader {
  readonly #name: string;
  readonly #field: string;
  #line = 0;
  /** The beginning of a line whose end is still to come, in pieces. */
  #begun: string[] = [];
  #length = 0;

  constructor(name: string, field: string) {
    this.#name = name;
    this.#field = field;
  }

  *take(piece: string): Generator<TextPart, void> {
    const parts = piece.split('\n');
    this.#begun.push(parts[0]);
    this.#length += parts[0].length;
    checkRowLength(`${this.#name}:${this.#line + 1}`, this.#length);
    if (parts.length === 1) return;
    const first = this.#begun.join('');
    this.#begun = [parts[parts.length - 1]];
    this.#length = this.#begun[0].length;
    yield* this.#row(first);
    for (const line of parts.slice(1, -1)) yield* this.#row(line);
  }

  *end(): Generator<TextPart, void> {
    yield* this.#row(this.#begun.join(''));
  }

  /** Nothing for a blank line. */
  *#row(line: string): Generator<TextPart, void> {
    this.#line++;
    if (line.trim() === '') return;
    const where = `${this.#name}:${this.#line}`;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (cause) {
      throw this.#line === 1 && line.startsWith('[')
        ? new DataError('holds one JSON array over several lines, not an object a line.', {
            where: this.#name,
            remedy: 'Name the file .json.',
          })
        : invalidJson(where, line, cause);
    }
    yield rowPart(where, row, this.#field);
  }
}

/** Text that `JSON.parse` refuses; names what Python writes and JSON does not have. */
export function invalidJson(where: string, text: string, cause: unknown): DataError {
  const literal = /(?<![\w"])(?:NaN|-?Infinity)(?![\w"])/.exec(text)?.[0];
  if (literal === undefined) return new DataError('is not valid JSON.', { where, cause });
  return new DataError(`is not valid JSON: ${literal}, which Python writes, is not a JSON value.`, {
    where,
    remedy: 'Write null in its place.',
    cause,
  });
}
