/** Runs a program over a text: tries one way, and on failure the last one it left open. */
import { wordTest } from './properties.ts';
import { op, places, type Program } from './program.ts';

/** How many steps matching may take altogether. A hostile pattern needs more than there are. */
export interface Budget {
  steps: number;
}

/** Thrown where the budget is spent. */
export class StepsSpent extends Error {}

/** Numbers on the stack, three an entry. */
const MAX_STACK = 3 << 22;

export class Machine {
  readonly #program: Program;
  readonly #slots: Int32Array;
  /**
   * Entries of three: an address, a position and the lowest position that may still be given back
   * to (-1: nothing to give back). A negative address stands for a mark to be set back, by -1 -
   * slot.
   */
  #stack = new Int32Array(3 * 64);
  // What #run and #wayOut find beside what they return.
  #at = 0;
  #position = 0;
  #lowest = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#slots = new Int32Array(program.slots);
  }

  /** The end of the match that begins at `start`, or -1. @throws StepsSpent */
  matchAt(text: string, start: number, budget: Budget): number {
    const { code, sets } = this.#program;
    const slots = this.#slots;
    const length = text.length;
    let height = 0;
    let at = 0;
    let position = start;
    let steps = budget.steps;

    for (;;) {
      if (--steps < 0) throw new StepsSpent();
      // Where an operation fails, the stack says where to go on: `at` and `position` are lost.
      let failed = false;
      switch (code[at]) {
        case op.match:
          budget.steps = steps;
          return position;
        case op.take: {
          const next = position < length ? codePointAt(text, position) : -1;
          failed = next < 0 || !sets[code[at + 1]].has(next);
          position += next > 0xffff ? 2 : 1;
          at += 2;
          break;
        }
        case op.span:
        case op.grab: {
          const count = this.#run(text, position, at);
          steps -= count >> 3;
          failed = count < code[at + 2];
          position = this.#position;
          const giving = code[at] === op.span && position > this.#lowest;
          at += 4;
          if (giving && !failed) height = this.#push(height, at, position, this.#lowest);
          break;
        }
        case op.fork:
          height = this.#push(height, code[at + 1], position, -1);
          at += 2;
          break;
        case op.jump:
          at = code[at + 1];
          break;
        case op.guard: {
          const next = position < length ? codePointAt(text, position) : -1;
          at = next >= 0 && sets[code[at + 1]].has(next) ? at + 3 : code[at + 2];
          break;
        }
        case op.mark:
          height = this.#push(height, -1 - code[at + 1], slots[code[at + 1]], -1);
          slots[code[at + 1]] = position;
          at += 2;
          break;
        case op.ifStuck:
          at = slots[code[at + 1]] === position ? code[at + 2] : at + 3;
          break;
        case op.open:
          slots[code[at + 1]] = height;
          at += 2;
          break;
        case op.commit:
          height = slots[code[at + 1]];
          at += 2;
          break;
        case op.look:
          slots[code[at + 1]] = height;
          slots[code[at + 2]] = position;
          at += 3;
          break;
        case op.lookEnd:
          height = slots[code[at + 1]];
          position = slots[code[at + 2]];
          at += 3;
          break;
        case op.refuse:
          height = slots[code[at + 1]];
          failed = true;
          break;
        case op.back:
          position = backBy(text, position, code[at + 1]);
          failed = position < 0;
          at += 2;
          break;
        default:
          failed = !isPlace(places[code[at + 1]], text, position);
          at += 2;
      }
      if (!failed) continue;
      height = this.#wayOut(text, height);
      if (height < 0) {
        budget.steps = steps;
        return -1;
      }
      at = this.#at;
      position = this.#position;
    }
  }

  /**
   * Takes as many characters of a set as `span` and `grab` may: how many, and in #position and
   * #lowest where they end and where the fewest that they must take end.
   */
  #run(text: string, from: number, at: number): number {
    const { code, sets } = this.#program;
    const set = sets[code[at + 1]];
    const min = code[at + 2];
    const max = code[at + 3];
    const length = text.length;
    let count = 0;
    let end = from;
    let lowest = from;
    while (count < max && end < length) {
      const next = codePointAt(text, end);
      const page = set.pages[next >> 8] ?? set.page(next >> 8);
      if (page[next & 255] === 0) break;
      end += next > 0xffff ? 2 : 1;
      if (++count === min) lowest = end;
    }
    this.#position = end;
    this.#lowest = lowest;
    return count;
  }

  /**
   * The last way left open, in #at and #position; marks made since are set back.
   * @returns the height of the stack from there on, -1 where no way is left.
   */
  #wayOut(text: string, from: number): number {
    const stack = this.#stack;
    for (let height = from - 3; height >= 0; height -= 3) {
      const at = stack[height];
      if (at < 0) {
        this.#slots[-1 - at] = stack[height + 1];
        continue;
      }
      this.#at = at;
      this.#position = stack[height + 1];
      const lowest = stack[height + 2];
      if (lowest < 0) return height;
      this.#position = before(text, this.#position);
      if (this.#position <= lowest) return height;
      stack[height + 1] = this.#position;
      return height + 3;
    }
    return -1;
  }

  #push(height: number, at: number, position: number, lowest: number): number {
    const stack = height < this.#stack.length ? this.#stack : this.#grow();
    stack[height] = at;
    stack[height + 1] = position;
    stack[height + 2] = lowest;
    return height + 3;
  }

  #grow(): Int32Array<ArrayBuffer> {
    if (this.#stack.length >= MAX_STACK) throw new StepsSpent();
    const larger = new Int32Array(this.#stack.length * 4);
    larger.set(this.#stack);
    this.#stack = larger;
    return larger;
  }
}

/** The code point at a position of a well-formed text. */
function codePointAt(text: string, position: number): number {
  const unit = text.charCodeAt(position);
  if ((unit & 0xfc00) !== 0xd800) return unit;
  return ((unit & 0x3ff) << 10) + (text.charCodeAt(position + 1) & 0x3ff) + 0x10000;
}

/** The position `count` characters earlier, or -1 where the text begins before. */
function backBy(text: string, position: number, count: number): number {
  let at = position;
  for (let left = count; left > 0; left--) {
    if (at === 0) return -1;
    at = before(text, at);
  }
  return at;
}

/** The position one character earlier. */
function before(text: string, position: number): number {
  return position - ((text.charCodeAt(position - 1) & 0xfc00) === 0xdc00 ? 2 : 1);
}

function isPlace(place: string, text: string, position: number): boolean {
  const end = text.length;
  if (place === 'textStart') return position === 0;
  if (place === 'textEnd') return position === end;
  if (place === 'lastLineEnd') return position === end || (position === end - 1 && text.endsWith('\n'));
  // Oniguruma sees no line after a line feed that ends the text.
  if (place === 'lineStart') return position === 0 || (text[position - 1] === '\n' && position < end);
  if (place === 'lineEnd') return position === end || text[position] === '\n';
  const left = position > 0 && wordTest(text.codePointAt(before(text, position)) ?? 0);
  const right = position < end && wordTest(text.codePointAt(position) ?? 0);
  return (left !== right) === (place === 'wordBorder');
}
