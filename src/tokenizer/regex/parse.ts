/**
 * Oniguruma's regular expressions in Ruby's syntax, which `tokenizer.json` files are written in.
 * JavaScript's differ: in possessive quantifiers and atomic groups, in what \s and \w match, in `$`
 * before every line feed. What is not known to come out the same is refused by name.
 */
import { CharSet, couldBeOneLetter, severalLetters } from './charSet.ts';
import { Cursor, type Options } from './cursor.ts';
import type { Mode, Node, Place } from './node.ts';
import { literalSet, parseClass, parseEscape } from './parseClass.ts';

/** Groups nest no deeper than this. */
const MAX_DEPTH = 100;

/** A number of repetitions is no higher than this. */
const MAX_REPEAT = 1000;

const places: Readonly<Record<string, Place>> = {
  '^': 'lineStart',
  $: 'lineEnd',
  '\\A': 'textStart',
  '\\z': 'textEnd',
  '\\Z': 'lastLineEnd',
  '\\b': 'wordBorder',
  '\\B': 'insideWord',
};

const lineFeed = 10;

/**
 * @param where the pattern is from, for messages.
 * @throws FormatError for a broken pattern, UnsupportedModelError for one that uses what is not
 * supported.
 */
export function parsePattern(pattern: string, where: string): Node {
  const cursor = new Cursor(pattern, where);
  const node = parseChoice(cursor, { ignoreCase: false, dotAll: false, extended: false }, 0);
  if (!cursor.done) throw cursor.broken('a ) has no (');
  return node;
}

/** Alternatives up to a `)` or the end, neither of which is read. */
function parseChoice(cursor: Cursor, options: Options, depth: number): Node {
  if (depth > MAX_DEPTH) throw cursor.unsupported('groups nested too deep');
  const nodes = [parseSequence(cursor, options, depth)];
  while (cursor.eat('|')) nodes.push(parseSequence(cursor, options, depth));
  return nodes.length === 1 ? nodes[0] : { kind: 'choice', nodes };
}

function parseSequence(cursor: Cursor, options: Options, depth: number): Node {
  const nodes: Node[] = [];
  /**
   * The letters in a row that may be of either case: as one string they could match other letters.
   */
  let letters = '';
  for (;;) {
    if (options.extended) skipSpace(cursor);
    if (cursor.done || cursor.peek() === '|' || cursor.peek() === ')') break;
    if (cursor.eatMatch(/\(\?#[^)]*\)/y) !== null) continue;
    const atom = parseAtom(cursor, options, depth);
    if (typeof atom === 'number') {
      const char = String.fromCodePoint(atom).toLowerCase();
      letters = options.ignoreCase ? letters + char : '';
      const several = options.ignoreCase && (severalLetters(atom) !== null || couldBeOneLetter(letters));
      if (several) throw cursor.unsupported('letters that could be a single one when case does not count');
    } else letters = '';
    const node: Node = typeof atom === 'number' ? { kind: 'set', set: literalSet(atom, options.ignoreCase) } : atom;
    nodes.push(parseRepeats(cursor, node, options));
  }
  return nodes.length === 1 ? nodes[0] : { kind: 'sequence', nodes };
}

/** In the extended form spaces and comments do not count. */
function skipSpace(cursor: Cursor): void {
  while (cursor.eatMatch(/[ \t\n\r\f\v]+|#[^\n]*/y) !== null);
}

/** One character, as its code point, or anything else that can be repeated. */
function parseAtom(cursor: Cursor, options: Options, depth: number): number | Node {
  const char = cursor.next();
  if (char === '(') return parseGroup(cursor, options, depth);
  if (char === '[') return { kind: 'set', set: new CharSet(parseClass(cursor, options.ignoreCase)) };
  if (char === '.') return { kind: 'set', set: new CharSet((cp) => options.dotAll || cp !== lineFeed) };
  if (char === '*' || char === '+' || char === '?') throw cursor.broken(`nothing stands before ${char}`);
  if (char === '{' && cursor.eatMatch(/\d+(,\d*)?\}|,\d+\}/y) !== null) throw cursor.broken('nothing stands before {');
  const name = char === '\\' ? char + cursor.peek() : char;
  if (Object.hasOwn(places, name)) {
    if (char === '\\') cursor.next();
    return { kind: 'place', place: places[name] };
  }
  if (char !== '\\') return char.codePointAt(0) ?? 0;
  const item = parseEscape(cursor, false);
  // Outside of brackets, the case of a property's letters always counts.
  return typeof item === 'number' ? item : { kind: 'set', set: new CharSet(item) };
}

/** A group of which the `(` has been read. */
function parseGroup(cursor: Cursor, options: Options, depth: number): Node {
  const inner = (own = options): Node => {
    const node = parseChoice(cursor, own, depth + 1);
    if (!cursor.eat(')')) throw cursor.broken('a ( is not closed');
    return node;
  };
  if (!cursor.eat('?')) return inner();
  if (cursor.eat(':')) return inner();
  if (cursor.eat('>')) return { kind: 'atomic', node: inner() };
  if (cursor.eat('=')) return { kind: 'look', ahead: true, negated: false, node: inner() };
  if (cursor.eat('!')) return { kind: 'look', ahead: true, negated: true, node: inner() };
  if (cursor.eat('<=')) return { kind: 'look', ahead: false, negated: false, node: inner() };
  if (cursor.eat('<!')) return { kind: 'look', ahead: false, negated: true, node: inner() };
  if (cursor.eatMatch(/<[A-Za-z_]\w{0,60}>/y) !== null) return inner();
  const flags = cursor.eatMatch(/([imx]{0,3})(?:-([imx]{0,3}))?([:)])/y);
  if (flags === null) throw cursor.unsupported(`(?${cursor.peek()}`);
  const [, on, off = '', end] = flags;
  const flag = (letter: string, before: boolean): boolean => (before || on.includes(letter)) && !off.includes(letter);
  const own: Options = {
    ignoreCase: flag('i', options.ignoreCase),
    dotAll: flag('m', options.dotAll),
    extended: flag('x', options.extended),
  };
  // Without a colon they hold for the rest of the group, alternatives included; its ) stays unread.
  return end === ':' ? inner(own) : parseChoice(cursor, own, depth + 1);
}

function parseRepeats(cursor: Cursor, atom: Node, options: Options): Node {
  let node = atom;
  for (let count = 0; ; count++) {
    if (options.extended) skipSpace(cursor);
    const repeat = parseRepeat(cursor);
    if (repeat === null) return node;
    if (!isRepeatable(atom)) throw cursor.unsupported('a repeated place');
    if (count === 4) throw cursor.unsupported('a repetition of repetitions of repetitions');
    node = { kind: 'repeat', node, ...repeat };
  }
}

/** Oniguruma repeats no place, nor alternatives of which one is a place. */
function isRepeatable(node: Node): boolean {
  if (node.kind === 'choice') return node.nodes.every(isRepeatable);
  return node.kind !== 'place' && node.kind !== 'look';
}

/** A quantifier, if one comes next. */
function parseRepeat(cursor: Cursor): { min: number; max: number; mode: Mode } | null {
  const mode = (): Mode => (cursor.eat('?') ? 'lazy' : cursor.eat('+') ? 'possessive' : 'greedy');
  if (cursor.eat('*')) return { min: 0, max: Infinity, mode: mode() };
  if (cursor.eat('+')) return { min: 1, max: Infinity, mode: mode() };
  if (cursor.eat('?')) return { min: 0, max: 1, mode: mode() };
  const braces = cursor.eatMatch(/\{(?:(\d{1,9})(,?)(\d{0,9})|,(\d{1,9}))\}/y);
  if (braces === null) return null;
  const [, from = '0', comma = ',', to = '', upTo] = braces;
  const min = Number(from);
  const max = upTo !== undefined ? Number(upTo) : comma === '' ? min : to === '' ? Infinity : Number(to);
  if (max < min) throw cursor.unsupported('a repetition of at most less than at least');
  if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Infinity)) {
    throw cursor.unsupported(`more than ${MAX_REPEAT} repetitions`);
  }
  // In Ruby {n}? is {n}, or nothing at all, and {n,m}+ is {n,m} once or more.
  return { min, max, mode: comma !== '' && cursor.eat('?') ? 'lazy' : 'greedy' };
}
