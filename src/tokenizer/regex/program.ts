/** A parsed pattern as a program for the machine in `machine.ts`. */
import { CharSet } from './charSet.ts';
import type { Node, Place } from './node.ts';

/**
 * What the machine can do. Operands follow an operation's number: sets and places by their index,
 * addresses, and slots, which hold a position or a height of the stack.
 */
export const op = {
  /** Ends with success. */
  match: 0,
  /** set: takes one character of it, or fails. */
  take: 1,
  /** set, min, max: takes as many as there are; gives them back one by one. */
  span: 2,
  /** set, min, max: the same, and gives none back. */
  grab: 3,
  /** address: goes on, and comes back to the address on failure. */
  fork: 4,
  /** address: goes there. */
  jump: 5,
  /** set, address: goes there unless a character of the set comes next. */
  guard: 6,
  /** slot: notes the position; undone on failure. */
  mark: 7,
  /** slot, address: goes there if nothing was taken since the mark. */
  ifStuck: 8,
  /** slot: notes the height of the stack. */
  open: 9,
  /** slot: drops what was pushed since; an atomic group is done. */
  commit: 10,
  /** slot, slot: notes height and position. */
  look: 11,
  /** slot, slot: drops what was pushed, and goes back to the position. */
  lookEnd: 12,
  /** slot: drops what was pushed, the way out included, and fails. */
  refuse: 13,
  /** count: goes back as many characters, or fails. */
  back: 14,
  /** place: fails anywhere else. */
  place: 15,
} as const;

export interface Program {
  readonly code: Int32Array;
  readonly sets: readonly CharSet[];
  readonly slots: number;
  /** The characters that a match can begin with; null where it can be empty. */
  readonly first: CharSet | null;
}

export const places: readonly Place[] = [
  'textStart',
  'textEnd',
  'lastLineEnd',
  'lineStart',
  'lineEnd',
  'wordBorder',
  'insideWord',
];

/** Repetitions of groups are written out, up to this many numbers. */
const MAX_CODE = 50_000;

/** `max` of a span that has none. */
export const NO_MAX = 0x7fffffff;

/**
 * @param fail makes the error for what cannot be compiled.
 * @throws that error where the program would be too long, or looks back over a varying length.
 */
export function compile(node: Node, fail: (what: string) => Error): Program {
  const compiler = new Compiler(fail);
  compiler.node(node);
  compiler.emit(op.match);
  return { code: Int32Array.from(compiler.code), sets: compiler.sets, slots: compiler.slots, first: firstOf(node) };
}

class Compiler {
  readonly code: number[] = [];
  readonly sets: CharSet[] = [];
  slots = 0;
  readonly #fail: (what: string) => Error;

  constructor(fail: (what: string) => Error) {
    this.#fail = fail;
  }

  emit(...numbers: number[]): void {
    if (this.code.length > MAX_CODE) throw this.#fail('repetitions that make it too long');
    this.code.push(...numbers);
  }

  node(node: Node): void {
    if (node.kind === 'set') this.emit(op.take, this.#set(node.set));
    else if (node.kind === 'sequence') for (const part of node.nodes) this.node(part);
    else if (node.kind === 'choice') this.#choice(node.nodes);
    else if (node.kind === 'repeat') this.#repeat(node);
    else if (node.kind === 'atomic') this.#atomic(node.node);
    else if (node.kind === 'place') this.emit(op.place, places.indexOf(node.place));
    else this.#look(node);
  }

  #set(set: CharSet): number {
    const known = this.sets.indexOf(set);
    return known >= 0 ? known : this.sets.push(set) - 1;
  }

  /**
   * Notes that the last number emitted is an address, and gives what fills it in with the place
   * reached by then.
   */
  #hole(): () => void {
    const at = this.code.length - 1;
    return () => {
      this.code[at] = this.code.length;
    };
  }

  #choice(nodes: readonly Node[]): void {
    const ends: (() => void)[] = [];
    for (const [index, node] of nodes.entries()) {
      if (index === nodes.length - 1) {
        this.node(node);
        continue;
      }
      const nexts: (() => void)[] = [];
      const first = firstOf(node);
      if (first !== null) {
        this.emit(op.guard, this.#set(first), 0);
        nexts.push(this.#hole());
      }
      this.emit(op.fork, 0);
      nexts.push(this.#hole());
      this.node(node);
      this.emit(op.jump, 0);
      ends.push(this.#hole());
      for (const fill of nexts) fill();
    }
    for (const fill of ends) fill();
  }

  #repeat({ node, min, max, mode }: Extract<Node, { kind: 'repeat' }>): void {
    if (node.kind === 'set' && mode !== 'lazy') {
      const limit = max === Infinity ? NO_MAX : max;
      this.emit(mode === 'greedy' ? op.span : op.grab, this.#set(node.set), min, limit);
      return;
    }
    if (mode === 'possessive') {
      this.#atomic({ kind: 'repeat', node, min, max, mode: 'greedy' });
      return;
    }
    const lazy = mode === 'lazy';
    const ends: (() => void)[] = [];
    for (let count = 0; count < min; count++) ends.push(this.#once(node));
    if (max === Infinity) {
      const start = this.code.length;
      ends.push(this.#fork(lazy), this.#once(node));
      this.emit(op.jump, start);
    } else {
      for (let count = min; count < max; count++) ends.push(this.#fork(lazy), this.#once(node));
    }
    for (const fill of ends) fill();
  }

  /** Goes on here first, or past what follows where `lazy`. Gives what fills in the other way. */
  #fork(lazy: boolean): () => void {
    if (!lazy) {
      this.emit(op.fork, 0);
      return this.#hole();
    }
    this.emit(op.fork, this.code.length + 4, op.jump, 0);
    return this.#hole();
  }

  /**
   * A pass of a repetition. One that takes nothing ends it. Gives what fills in where that goes on.
   */
  #once(node: Node): () => void {
    if (!canBeEmpty(node, [])) {
      this.node(node);
      return () => {};
    }
    const slot = this.slots++;
    this.emit(op.mark, slot);
    this.node(node);
    this.emit(op.ifStuck, slot, 0);
    return this.#hole();
  }

  #atomic(node: Node): void {
    const slot = this.slots++;
    this.emit(op.open, slot);
    this.node(node);
    this.emit(op.commit, slot);
  }

  #look({ node, ahead, negated }: Extract<Node, { kind: 'look' }>): void {
    if (ahead) {
      this.#lookAt(node, negated, 0);
      return;
    }
    // Alternatives may differ in length: each is looked for on its own.
    const nodes = node.kind === 'choice' ? node.nodes : [node];
    const lengths = nodes.map((part) => this.#lengthOf(part));
    if (negated) for (const [index, part] of nodes.entries()) this.#lookAt(part, true, lengths[index]);
    else this.#alternatives(nodes, (part, index) => this.#lookAt(part, false, lengths[index]));
  }

  #alternatives(nodes: readonly Node[], write: (node: Node, index: number) => void): void {
    const ends: (() => void)[] = [];
    for (const [index, node] of nodes.entries()) {
      const last = index === nodes.length - 1;
      const next = last ? () => {} : this.#fork(false);
      write(node, index);
      if (!last) {
        this.emit(op.jump, 0);
        ends.push(this.#hole());
      }
      next();
    }
    for (const fill of ends) fill();
  }

  #lookAt(node: Node, negated: boolean, back: number): void {
    const slot = this.slots++;
    const position = this.slots++;
    if (negated) this.emit(op.open, slot, op.fork, 0);
    else this.emit(op.look, slot, position);
    const out = negated ? this.#hole() : () => {};
    if (back > 0) this.emit(op.back, back);
    this.node(node);
    if (negated) this.emit(op.refuse, slot);
    else this.emit(op.lookEnd, slot, position);
    out();
  }

  #lengthOf(node: Node): number {
    if (node.kind === 'set') return 1;
    if (node.kind === 'place' || node.kind === 'look') return 0;
    if (node.kind === 'atomic') return this.#lengthOf(node.node);
    if (node.kind === 'sequence') return node.nodes.reduce((sum, part) => sum + this.#lengthOf(part), 0);
    if (node.kind === 'repeat' && node.min === node.max) return node.min * this.#lengthOf(node.node);
    const lengths = node.kind === 'choice' ? node.nodes.map((part) => this.#lengthOf(part)) : [];
    if (lengths.length === 0 || lengths.some((length) => length !== lengths[0])) {
      throw this.#fail('a look behind over a varying length');
    }
    return lengths[0];
  }
}

/** The characters that a match of the node can begin with, or null where it can be empty. */
function firstOf(node: Node): CharSet | null {
  const sets: CharSet[] = [];
  if (canBeEmpty(node, sets)) return null;
  return sets.length === 1 ? sets[0] : new CharSet((codePoint) => sets.some((set) => set.test(codePoint)));
}

/** Collects what can come first until something has to. */
function canBeEmpty(node: Node, sets: CharSet[]): boolean {
  if (node.kind === 'set') {
    sets.push(node.set);
    return false;
  }
  if (node.kind === 'sequence') return node.nodes.every((part) => canBeEmpty(part, sets));
  if (node.kind === 'choice') return node.nodes.filter((part) => canBeEmpty(part, sets)).length > 0;
  if (node.kind === 'atomic') return canBeEmpty(node.node, sets);
  if (node.kind === 'repeat') return canBeEmpty(node.node, sets) || node.min === 0;
  return true;
}
