import { FormatError, UnsupportedModelError } from '../../errors.ts';
import { shown } from '../jsonFields.ts';

/** Options in force at a place of a pattern. */
export interface Options {
  readonly ignoreCase: boolean;
  /** Whether `.` matches a line feed too. */
  readonly dotAll: boolean;
  /** Whether spaces and comments in the pattern are left out. */
  readonly extended: boolean;
}

/** The text of a pattern and how far it has been read. */
export class Cursor {
  readonly #chars: readonly string[];
  readonly #where: string;
  at = 0;

  constructor(pattern: string, where: string) {
    this.#chars = [...pattern];
    this.#where = where;
  }

  get done(): boolean {
    return this.at >= this.#chars.length;
  }

  /** The next character, or '' at the end. */
  peek(ahead = 0): string {
    return this.#chars[this.at + ahead] ?? '';
  }

  next(): string {
    if (this.done) throw this.broken('it ends too early');
    return this.#chars[this.at++];
  }

  /** Whether this text comes next; if so it is read. */
  eat(text: string): boolean {
    if (this.#chars.slice(this.at, this.at + text.length).join('') !== text) return false;
    this.at += text.length;
    return true;
  }

  /**
   * What this pattern matches here, read; null where it does not match. `pattern` must be sticky
   * and match ASCII.
   */
  eatMatch(pattern: RegExp): RegExpExecArray | null {
    const rest = this.#chars.slice(this.at, this.at + 80).join('');
    pattern.lastIndex = 0;
    const match = pattern.exec(rest);
    if (match !== null) this.at += [...match[0]].length;
    return match;
  }

  broken(problem: string): FormatError {
    return new FormatError(`the pattern ${shown(this.#chars.join(''), 80)} is broken: ${problem}.`, {
      where: this.#where,
    });
  }

  unsupported(what: string): UnsupportedModelError {
    return new UnsupportedModelError(
      `the pattern ${shown(this.#chars.join(''), 80)} uses ${what}, which is not supported.`,
      { where: this.#where },
    );
  }
}
