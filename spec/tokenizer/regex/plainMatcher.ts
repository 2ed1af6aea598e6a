/**
 * The plain matcher that the machine is held against: a parsed pattern as a walk over its tree that
 * offers every end, the preferred one first. It takes as long as backtracking takes, and a stack as
 * deep as the text.
 */
import type { Node, Place } from '../../../src/tokenizer/regex/node.ts';
import { wordTest } from '../../../src/tokenizer/regex/properties.ts';

/**
 * The ends that a match from `from` on may have, in the order in which the pattern prefers them.
 */
export function* endsOf(node: Node, text: readonly number[], from: number): Generator<number> {
  if (node.kind === 'set') {
    if (from < text.length && node.set.test(text[from])) yield from + 1;
  } else if (node.kind === 'sequence') yield* sequence(node.nodes, text, from);
  else if (node.kind === 'choice') for (const choice of node.nodes) yield* endsOf(choice, text, from);
  else if (node.kind === 'atomic') yield* first(endsOf(node.node, text, from));
  else if (node.kind === 'repeat') {
    const ends = repeat(node, text, from, 0);
    if (node.mode === 'possessive') yield* first(ends);
    else yield* ends;
  } else if (node.kind === 'look') {
    if (looks(node, text, from) !== node.negated) yield from;
  } else if (isAt(node.place, text, from)) yield from;
}

/** The first match at or after `from`, as [start, end]. */
export function firstMatch(node: Node, text: readonly number[], from: number): [number, number] | null {
  for (let start = from; start <= text.length; start++)
    for (const end of endsOf(node, text, start)) return [start, end];
  return null;
}

function* sequence(nodes: readonly Node[], text: readonly number[], from: number): Generator<number> {
  const [head, ...rest] = nodes;
  if (head === undefined) yield from;
  else for (const end of endsOf(head, text, from)) yield* sequence(rest, text, end);
}

function* repeat(
  node: Extract<Node, { kind: 'repeat' }>,
  text: readonly number[],
  from: number,
  done: number,
): Generator<number> {
  if (done >= node.min && node.mode === 'lazy') yield from;
  if (done < node.max)
    for (const end of endsOf(node.node, text, from)) {
      // A round that takes nothing would go on for ever: it is the last one.
      if (end === from) yield end;
      else yield* repeat(node, text, end, done + 1);
    }
  if (done >= node.min && node.mode !== 'lazy') yield from;
}

function* first(ends: Generator<number>): Generator<number> {
  for (const end of ends) {
    yield end;
    return;
  }
}

function looks({ node, ahead }: Extract<Node, { kind: 'look' }>, text: readonly number[], at: number): boolean {
  if (ahead) return !endsOf(node, text, at).next().done;
  for (let start = at; start >= 0; start--) for (const end of endsOf(node, text, start)) if (end === at) return true;
  return false;
}

function isAt(place: Place, text: readonly number[], at: number): boolean {
  const LINE_FEED = 10;
  const end = text.length;
  const word = (index: number): boolean => index >= 0 && index < end && wordTest(text[index]);
  const border = word(at - 1) !== word(at);
  const places: Readonly<Record<Place, boolean>> = {
    textStart: at === 0,
    textEnd: at === end,
    lastLineEnd: at === end || (at === end - 1 && text[at] === LINE_FEED),
    lineStart: at === 0 || (text[at - 1] === LINE_FEED && at < end),
    lineEnd: at === end || text[at] === LINE_FEED,
    wordBorder: border,
    insideWord: !border,
  };
  return places[place];
}
