/**
 * Records as lines of JSON, each with a checksum over itself and the line before, so that no line
 * can be damaged, left out, repeated, moved or taken from elsewhere unnoticed. What is left of a
 * chain that was cut is a chain.
 *
 *   {"type":"step", … ,"sum":"…"}
 *
 * The sum is SHA-256 of the sum before, a line break, and this line up to the comma before "sum".
 */
import type { Hasher } from '../platform/sha256.ts';

const START = ',"sum":"';
const END = '"}';
/** Characters of a sum with what stands around it. */
const LENGTH = START.length + 64 + END.length;

/** Whether a line carries a checksum, right or wrong. */
export function isSealed(line: string): boolean {
  return line.startsWith(START, line.length - LENGTH) && line.endsWith(END);
}

export class LineChain {
  readonly #newHasher: () => Hasher;
  #before: string;

  /** @param seed what the chain belongs to, where that is not in its lines. */
  constructor(newHasher: () => Hasher, seed = '') {
    this.#newHasher = newHasher;
    this.#before = seed;
  }

  /** The record as the chain's next line. It is part of the chain once `add` was given it. */
  seal(record: object): string {
    const body = JSON.stringify(record).slice(0, -1);
    return `${body}${START}${this.#sum(body)}${END}`;
  }

  /** Takes the next line, if its checksum fits; else the chain stays as it was. */
  add(line: string): boolean {
    const body = line.slice(0, -LENGTH);
    const sum = this.#sum(body);
    if (line !== `${body}${START}${sum}${END}`) return false;
    this.#before = sum;
    return true;
  }

  #sum(body: string): string {
    const hasher = this.#newHasher();
    hasher.update(new TextEncoder().encode(`${this.#before}\n${body}`));
    return hasher.digest();
  }
}
