/**
 * What a regular expression says of a cut between two characters a and b, told from its parsed
 * form: whether a match can reach across, or see across. The answers hold in every text; where in
 * doubt they say that it can.
 */
import type { Node } from './regex/node.ts';

/** How a pattern behaves at the place between two characters. */
export interface PatternAtCut {
  /**
   * No match can hold both characters next to each other, nor can a condition before the cut depend
   * on what follows it.
   */
  readonly local: boolean;
  /** Whether the character before, after the cut is in a match in every text. */
  readonly takesLeft: boolean;
  readonly takesRight: boolean;
  /** Whether any match can hold the character at all. */
  readonly mayTakeLeft: boolean;
  readonly mayTakeRight: boolean;
}

/** @param left, right code points. */
export function patternAtCut(node: Node, left: number, right: number): PatternAtCut {
  const local = isPlain(node) && !nullable(node) && !spans(node, left, right) && !peeks(node, left);
  return {
    local,
    takesLeft: takes(node, left),
    takesRight: takes(node, right),
    mayTakeLeft: holds(node, left),
    mayTakeRight: holds(node, right),
  };
}

/** Whether the pattern has nothing but conditions on one neighbouring character. */
function isPlain(node: Node): boolean {
  if (node.kind === 'look') return node.node.kind === 'set';
  if (node.kind === 'place') return node.place === 'lineEnd' || node.place === 'lineStart';
  if (node.kind === 'set') return true;
  if (node.kind === 'sequence' || node.kind === 'choice') return node.nodes.every(isPlain);
  return isPlain(node.node);
}

function nullable(node: Node): boolean {
  if (node.kind === 'set') return false;
  if (node.kind === 'sequence') return node.nodes.every(nullable);
  if (node.kind === 'choice') return node.nodes.some(nullable);
  if (node.kind === 'repeat') return node.min === 0 || nullable(node.node);
  return node.kind === 'atomic' ? nullable(node.node) : true;
}

/** Whether any match holds the character. */
function holds(node: Node, char: number): boolean {
  if (node.kind === 'set') return node.set.has(char);
  if (node.kind === 'sequence' || node.kind === 'choice') return node.nodes.some((part) => holds(part, char));
  if (node.kind === 'look' || node.kind === 'place') return false;
  return holds(node.node, char);
}

/** Whether a match of the node can begin (end) with the character. */
function starts(node: Node, char: number): boolean {
  if (node.kind === 'sequence') {
    return node.nodes.some((part, at) => node.nodes.slice(0, at).every(nullable) && starts(part, char));
  }
  if (node.kind === 'set') return node.set.has(char);
  if (node.kind === 'choice') return node.nodes.some((part) => starts(part, char));
  return node.kind === 'look' || node.kind === 'place' ? false : starts(node.node, char);
}

function ends(node: Node, char: number): boolean {
  if (node.kind === 'sequence') {
    return node.nodes.some((part, at) => node.nodes.slice(at + 1).every(nullable) && ends(part, char));
  }
  if (node.kind === 'set') return node.set.has(char);
  if (node.kind === 'choice') return node.nodes.some((part) => ends(part, char));
  return node.kind === 'look' || node.kind === 'place' ? false : ends(node.node, char);
}

/** Whether a match can hold `left` and right after it `right`. */
function spans(node: Node, left: number, right: number): boolean {
  if (node.kind === 'sequence') {
    return node.nodes.some(
      (part, at) => spans(part, left, right) || (starts(part, right) && endsBefore(node.nodes, at, left)),
    );
  }
  if (node.kind === 'choice') return node.nodes.some((part) => spans(part, left, right));
  if (node.kind === 'atomic') return spans(node.node, left, right);
  if (node.kind !== 'repeat') return false;
  return spans(node.node, left, right) || (node.max > 1 && ends(node.node, left) && starts(node.node, right));
}

/** Whether part `at` of a sequence can come right after the character. */
function endsBefore(nodes: readonly Node[], at: number, char: number): boolean {
  for (let before = at - 1; before >= 0; before--) {
    if (ends(nodes[before], char)) return true;
    if (!nullable(nodes[before])) return false;
  }
  return false;
}

/**
 * Whether a condition can be asked right after the character, so that the answer depends on what
 * comes next.
 */
function peeks(node: Node, char: number): boolean {
  if (node.kind === 'sequence') {
    return node.nodes.some((part, at) => peeks(part, char) || (peeksFirst(part) && endsBefore(node.nodes, at, char)));
  }
  if (node.kind === 'choice') return node.nodes.some((part) => peeks(part, char));
  if (node.kind === 'atomic') return peeks(node.node, char);
  if (node.kind !== 'repeat') return false;
  return peeks(node.node, char) || (node.max > 1 && peeksFirst(node.node) && ends(node.node, char));
}

/** Whether a condition on the next character can be asked before the node has taken one. */
function peeksFirst(node: Node): boolean {
  if (node.kind === 'look') return node.ahead;
  if (node.kind === 'place') return node.place === 'lineEnd';
  if (node.kind === 'choice') return node.nodes.some(peeksFirst);
  if (node.kind === 'sequence') {
    return node.nodes.some((part, at) => peeksFirst(part) && node.nodes.slice(0, at).every(nullable));
  }
  return node.kind === 'set' ? false : peeksFirst(node.node);
}

/**
 * Whether a match is found wherever the character stands, so that it never lies between matches:
 * there is a way to match it alone, which no condition and no possessive part before it can bar.
 */
function takes(node: Node, char: number): boolean {
  if (node.kind === 'set') return node.set.has(char);
  if (node.kind === 'choice') return node.nodes.some((part) => takes(part, char));
  if (node.kind === 'repeat') return node.min <= 1 && takes(node.node, char);
  if (node.kind === 'atomic')
    return (node.node.kind === 'set' || node.node.kind === 'repeat') && takes(node.node, char);
  if (node.kind !== 'sequence') return false;
  return node.nodes.some((part, at) => {
    const others = node.nodes.toSpliced(at, 1);
    return (
      takes(part, char) && others.every(isSkippable) && node.nodes.slice(0, at).every((before) => !keeps(before, char))
    );
  });
}

/** Whether a part of a sequence can be passed by without a condition. */
function isSkippable(node: Node): boolean {
  return node.kind === 'repeat' && node.min === 0;
}

/** Whether a part that comes first can take the character and never give it back. */
function keeps(node: Node, char: number): boolean {
  return (node.kind !== 'repeat' || node.mode === 'possessive' || node.node.kind !== 'set') && starts(node, char);
}
