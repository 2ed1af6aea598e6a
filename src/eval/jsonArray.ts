/**
 * Texts out of a .json array that comes in pieces: of texts, of rows (objects), of chats (arrays of
 * messages), or of the messages of one chat.
 */
import { DataError } from '../errors.ts';
import { chatOf, isMessage } from './chats.ts';
import { invalidJson } from './jsonLines.ts';
import { rowPart } from './jsonRows.ts';
import { isObject, kindOf } from './jsonWords.ts';
import { checkRowLength, type TextPart, type TextReader } from './textPart.ts';

/** What an array's entries are; the first one decides. */
type Entries = 'texts' | 'rows' | 'chats' | 'messages';

const one: Readonly<Record<Entries, string>> = {
  texts: 'a text',
  rows: 'a row',
  chats: 'a chat',
  messages: 'a message',
};

export class JsonArrayReader implements TextReader {
  readonly #name: string;
  readonly #field: string;
  #place: 'before' | 'entry' | 'string' | 'escape' | 'after' = 'before';
  /** Brackets that are open inside the entry. */
  #depth = 0;
  /** The entry so far, in pieces, and the line on which it begins; 0 = it has not begun. */
  #entry: string[] = [];
  #length = 0;
  #entryLine = 0;
  #line = 1;
  #index = 0;
  #entries: Entries | null = null;
  #messages: unknown[] = [];

  /** @param field of a row: the path of keys that holds its text. */
  constructor(name: string, field: string) {
    this.#name = name;
    this.#field = field;
  }

  *take(piece: string): Generator<TextPart, void> {
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      const char = piece[at];
      if (char === '\n') this.#line++;
      if (this.#place === 'before' || this.#place === 'after') {
        this.#outside(char);
        from = at + 1;
      } else if (this.#endsEntry(char)) {
        this.#hold(piece.slice(from, at));
        yield* this.#finish(char);
        from = at + 1;
      }
    }
    if (this.#place !== 'before' && this.#place !== 'after') this.#hold(piece.slice(from));
  }

  *end(): Generator<TextPart, void> {
    if (this.#place !== 'after') {
      throw new DataError('is not valid JSON: the array does not end.', { where: `${this.#name}:${this.#line}` });
    }
    if (this.#messages.length > 0) yield { chat: chatOf(this.#name, this.#messages), where: this.#name };
  }

  /** Before the array begins and after it has ended there is only white space. */
  #outside(char: string): void {
    if (/[ \t\r\n]/.test(char)) return;
    if (this.#place !== 'before' || char !== '[') throw this.#misplaced(char);
    this.#place = 'entry';
  }

  #misplaced(char: string): DataError {
    return new DataError(`is not valid JSON: ${kindOf(char)} stands where it must not.`, {
      where: `${this.#name}:${this.#line}`,
    });
  }

  /** Whether a character is the comma or bracket after an entry; keeps count of what is open. */
  #endsEntry(char: string): boolean {
    if (this.#place === 'escape') this.#place = 'string';
    else if (this.#place === 'string') {
      if (char === '\\') this.#place = 'escape';
      else if (char === '"') this.#place = 'entry';
    } else if (this.#depth === 0 && (char === ',' || char === ']')) return true;
    else {
      if (this.#entryLine === 0 && !/[ \t\r\n]/.test(char)) this.#entryLine = this.#line;
      if (char === '"') this.#place = 'string';
      else if (char === '[' || char === '{') this.#depth++;
      else if (char === ']' || char === '}') this.#depth--;
    }
    return false;
  }

  #hold(text: string): void {
    this.#entry.push(text);
    this.#length += text.length;
    checkRowLength(`${this.#name}:${this.#line}`, this.#length);
  }

  /** An entry has ended before `char`, a comma or the array's bracket. */
  *#finish(char: string): Generator<TextPart, void> {
    const text = this.#entry.join('');
    const where = `${this.#name}:${this.#entryLine}`;
    const blank = this.#entryLine === 0;
    this.#entry = [];
    this.#length = 0;
    this.#entryLine = 0;
    this.#place = char === ']' ? 'after' : 'entry';
    if (blank && char === ']' && this.#index === 0) return;
    if (blank) throw this.#misplaced(char);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw invalidJson(where, text, cause);
    }
    yield* this.#part(where, value);
    this.#index++;
  }

  *#part(where: string, value: unknown): Generator<TextPart, void> {
    const kind = this.#kindOf(value);
    this.#entries ??= kind;
    if (kind === null || kind !== this.#entries) {
      const wanted = this.#entries === null ? 'a text, a row or a chat' : one[this.#entries];
      throw new DataError(`entry ${this.#index} is ${kindOf(value)}, not ${wanted}.`, {
        where,
        remedy: 'An array holds only texts, only rows (objects), only chats, or only token ids.',
      });
    }
    if (kind === 'texts') yield { text: value as string, begins: true };
    else if (kind === 'chats') yield { chat: chatOf(where, value as unknown[]), where };
    else if (kind === 'rows') yield rowPart(where, value, this.#field);
    else this.#messages.push(value);
  }

  #kindOf(value: unknown): Entries | null {
    if (typeof value === 'string') return 'texts';
    if (Array.isArray(value)) return isMessage(value[0]) ? 'chats' : null;
    if (!isObject(value)) return null;
    if (this.#entries === 'rows' || !isMessage(value) || Object.hasOwn(value, this.#field)) return 'rows';
    return 'messages';
  }
}
