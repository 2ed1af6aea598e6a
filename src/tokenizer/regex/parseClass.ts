/** Characters in a pattern: escapes, properties and bracket classes. */
import { CharSet, sameLetter, severalLetters, type CharTest } from './charSet.ts';
import type { Cursor } from './cursor.ts';
import { posixTest, propertyTest, shorthandTest } from './properties.ts';

/** A code point or a set of them. */
type Item = number | CharTest;

/** Classes nest no deeper than this. */
const MAX_DEPTH = 20;

const controls: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7, e: 27 };

/** What stands after a backslash that has been read, inside a class or outside. */
export function parseEscape(cursor: Cursor, inClass: boolean): Item {
  const letter = cursor.next();
  if (Object.hasOwn(controls, letter)) return controls[letter];
  const shorthand = shorthandTest(letter, inClass);
  if (shorthand !== null) return shorthand;
  if (letter === 'p' || letter === 'P') return property(cursor, letter === 'P', inClass);
  if (letter === 'x' || letter === 'u') return hexadecimal(cursor, letter);
  const codePoint = letter.codePointAt(0) ?? 0;
  // Letters and digits mean something, or will; all others stand for themselves.
  if (/[A-Za-z0-9]/.test(letter)) throw cursor.unsupported(`\\${letter}`);
  return codePoint;
}

function hexadecimal(cursor: Cursor, letter: string): number {
  const pattern = letter === 'u' ? /([0-9A-Fa-f]{4})/y : /([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\}/y;
  const match = cursor.eatMatch(pattern);
  if (match === null) throw cursor.unsupported(`\\${letter} without its digits`);
  const codePoint = Number.parseInt(match[1] ?? match[2], 16);
  // \x80 … \xFF would be single bytes of UTF-8.
  const valid = codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
  if (!valid || (letter === 'x' && match[1] !== undefined && codePoint > 0x7f)) {
    throw cursor.unsupported(`\\${letter}${match[0]}`);
  }
  return codePoint;
}

function property(cursor: Cursor, capital: boolean, inClass: boolean): CharTest {
  const match = cursor.eatMatch(/\{(\^?)([^{}]{1,60})\}/y);
  if (match === null) throw cursor.unsupported('\\p without a name in braces');
  const test = propertyTest(match[2], inClass);
  if (test === null) throw cursor.unsupported(`the property ${match[2]}`);
  return capital === (match[1] === '^') ? test : (codePoint) => !test(codePoint);
}

/** A bracket class of which the `[` has been read. */
export function parseClass(cursor: Cursor, ignoreCase: boolean, depth = 0): CharTest {
  if (depth > MAX_DEPTH) throw cursor.unsupported('classes nested too deep');
  const negated = cursor.eat('^');
  /** The parts between `&&`, of which all must hold. */
  const parts: Item[][] = [[]];
  for (let first = true; first || cursor.peek() !== ']'; first = false) {
    if (cursor.done) throw cursor.broken('a class is not closed');
    if (first && cursor.peek() === ']') throw cursor.unsupported('a class that begins with ]');
    if (cursor.eat('&&')) {
      parts.push([]);
      continue;
    }
    const item = classItem(cursor, ignoreCase, depth);
    const range = typeof item === 'number' && cursor.peek() === '-' && cursor.peek(1) !== ']';
    if (typeof item !== 'number') {
      parts[parts.length - 1].push(item);
      continue;
    }
    const last = range ? rangeEnd(cursor, ignoreCase, depth) : item;
    if (last < item) throw cursor.broken('a range in a class runs backwards');
    if (ignoreCase) refuseSeveral(item, last, cursor);
    parts[parts.length - 1].push(item === last ? item : (codePoint) => codePoint >= item && codePoint <= last);
  }
  cursor.next();
  if (parts.some((part) => part.length === 0)) throw cursor.unsupported('an empty part of a class');
  const tests = parts.map(anyOf);
  const all: CharTest = (codePoint) => tests.every((test) => test(codePoint));
  // Classes within are part of this one, whose case is left out once.
  const folded = ignoreCase && depth === 0 ? (codePoint: number) => sameLetter(codePoint).some(all) : all;
  return negated ? (codePoint) => !folded(codePoint) : folded;
}

function rangeEnd(cursor: Cursor, ignoreCase: boolean, depth: number): number {
  cursor.next();
  const last = classItem(cursor, ignoreCase, depth);
  if (typeof last !== 'number') throw cursor.broken('a range in a class has no last character');
  return last;
}

function classItem(cursor: Cursor, ignoreCase: boolean, depth: number): Item {
  const char = cursor.next();
  if (char === '\\') {
    // In a class it is the backspace.
    return cursor.eat('b') ? 8 : parseEscape(cursor, true);
  }
  if (char !== '[') return char.codePointAt(0) ?? 0;
  const match = cursor.eatMatch(/:(\^?)([a-z]{1,20}):\]/y);
  if (match === null) return parseClass(cursor, ignoreCase, depth + 1);
  const test = posixTest(match[2]);
  if (test === null) throw cursor.unsupported(`the class [:${match[2]}:]`);
  return match[1] === '' ? test : (codePoint) => !test(codePoint);
}

function anyOf(items: readonly Item[]): CharTest {
  return (codePoint) => items.some((item) => (typeof item === 'number' ? item === codePoint : item(codePoint)));
}

/** Letters that would match several at once when case does not count, such as ß. */
function refuseSeveral(first: number, last: number, cursor: Cursor): void {
  for (let codePoint = Math.max(first, 0xdf); codePoint <= Math.min(last, 0xfb17); codePoint++) {
    if (severalLetters(codePoint) !== null) throw cursor.unsupported('a letter that is two when case does not count');
  }
}

/** The set of one character. */
export function literalSet(codePoint: number, ignoreCase: boolean): CharSet {
  if (!ignoreCase) return new CharSet((other) => other === codePoint);
  const same = new Set(sameLetter(codePoint));
  return new CharSet((other) => same.has(other));
}
