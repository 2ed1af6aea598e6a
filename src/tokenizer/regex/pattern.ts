import { FormatError, UnsupportedModelError } from '../../errors.ts';
import { shown } from '../jsonFields.ts';
import { Machine, StepsSpent, type Budget } from './machine.ts';
import { parsePattern } from './parse.ts';
import { compile, type Program } from './program.ts';

/** A match of a pattern in a text: [start, end), in UTF-16 units. */
export type Span = readonly [start: number, end: number];

/**
 * Steps for one text: this many, and so many more for each of its characters. Real patterns take a
 * few a character.
 */
const STEPS = 1e7;
const STEPS_PER_CHARACTER = 40;

/** A regular expression as Oniguruma would match it, in bounded time. */
export class Pattern {
  readonly #source: string;
  readonly #where: string;
  readonly #program: Program;
  readonly #machine: Machine;

  /**
   * @throws FormatError for a broken pattern, UnsupportedModelError for one that uses what is not
   * supported.
   */
  constructor(source: string, where: string) {
    this.#source = source;
    this.#where = where;
    this.#program = compile(parsePattern(source, where), (what) => {
      return new UnsupportedModelError(`the pattern ${shown(source, 80)} has ${what}.`, { where });
    });
    this.#machine = new Machine(this.#program);
  }

  /**
   * The matches in a well-formed text, in order. An empty one right after another match does not
   * count, and an empty text has none.
   * @throws FormatError where matching takes too many steps, as hostile patterns do.
   */
  matches(text: string): Span[] {
    const budget: Budget = { steps: STEPS + STEPS_PER_CHARACTER * text.length };
    const found: Span[] = [];
    let from = 0;
    let lastEnd = -1;
    if (text === '') return found;
    while (from <= text.length) {
      const span = this.#search(text, from, budget);
      if (span === null) break;
      const [start, end] = span;
      if (start === end && end === lastEnd) {
        from = end + widthAt(text, end);
        continue;
      }
      found.push(span);
      lastEnd = end;
      from = end;
    }
    return found;
  }

  /** Whether it can match without taking a character. */
  get canBeEmpty(): boolean {
    return this.#program.first === null;
  }

  #search(text: string, from: number, budget: Budget): Span | null {
    const { first } = this.#program;
    try {
      for (let start = from; start <= text.length; start += widthAt(text, start)) {
        if (first !== null && (start === text.length || !first.has(text.codePointAt(start) ?? 0))) continue;
        const end = this.#machine.matchAt(text, start, budget);
        if (end >= 0) return [start, end];
      }
      return null;
    } catch (error) {
      if (!(error instanceof StepsSpent)) throw error;
      throw new FormatError(
        `the pattern ${shown(this.#source, 80)} takes too long on a text of ${text.length} characters.`,
        { where: this.#where, remedy: 'Its repetitions can match in too many ways: use a tokenizer with another one.' },
      );
    }
  }
}

/** UTF-16 units of the character at a position; 1 at the end. */
function widthAt(text: string, position: number): number {
  return (text.charCodeAt(position) & 0xfc00) === 0xd800 ? 2 : 1;
}
