/**
 * Where a text may be cut for a tokenizer of a `tokenizer.json`: between two characters that no
 * added token, no normalizer and no rule of splitting joins or looks across, and that a rule parts
 * for certain. Only what is known to be safe is: any other tokenizer's text is encoded as a whole.
 *
 * A pair of neighbours goes through the stages as text does. A stage may change the characters,
 * part them, or be in doubt.
 */
import { isRecord, type JsonRecord } from './jsonFields.ts';
import { isPunctuation } from './punctuation.ts';
import { patternAtCut, type PatternAtCut } from './regexCuts.ts';
import { parsePattern } from './regex/parse.ts';
import { gpt2Pattern } from './splitPatterns.ts';
import type { AddedToken, Vocabulary } from './vocabulary.ts';
import { isSpace } from './whiteSpace.ts';

/** Neighbouring characters, code points each. */
type Pair = readonly [left: string, right: string];

/** What a stage does to neighbours: passes them on, parts them for good, or may join them. */
type Stage = (pair: Pair) => Pair | 'parted' | 'joined';

const joined = (): 'joined' => 'joined';

/** @param normalize the tokenizer's normalizer, for the texts of added tokens. */
export function cutsOf(
  tokenizerJson: JsonRecord,
  vocabulary: Vocabulary,
  normalize: (text: string) => string,
): (left: string, right: string) => boolean {
  const { added } = vocabulary;
  const texts = added.flatMap((token) => [token.content, normalize(token.content)]);
  const addedTokens = addedStage(texts, added);
  const stages: Stage[] = [
    addedTokens,
    ...partsOf(tokenizerJson.normalizer, 'normalizers').map(normalizerStage),
    addedTokens,
    ...partsOf(tokenizerJson.pre_tokenizer, 'pretokenizers').map(preTokenizerStage),
  ];
  let merges: Stage | null = null;
  const safe = (left: string, right: string): boolean => {
    let pair: Pair = [left, right];
    for (const stage of stages) {
      const next = stage(pair);
      if (typeof next === 'string') return next === 'parted';
      pair = next;
    }
    merges ??= mergeStage(vocabulary);
    return merges(pair) === 'parted';
  };
  const known = new Map<string, boolean>();
  return (left, right) => {
    if (/\p{Surrogate}/u.test(left + right)) return false;
    const key = left + right;
    const answer = known.get(key) ?? safe(left, right);
    if (known.size < 1 << 16) known.set(key, answer);
    return answer;
  };
}

/** The parts of a stage, sequences written out. */
function partsOf(json: unknown, key: string): unknown[] {
  if (json === null || json === undefined) return [];
  if (!isRecord(json) || json.type !== 'Sequence') return [json];
  const parts: unknown = json[key];
  return Array.isArray(parts) ? parts.flatMap((part) => partsOf(part, key)) : [undefined];
}

/**
 * Added tokens that hold both characters join them; so does white space that one of them may take
 * along.
 */
function addedStage(texts: readonly string[], added: readonly AddedToken[]): Stage {
  const pairs = new Set(texts.flatMap(neighbours));
  const lstrip = added.some((token) => token.lstrip);
  const strippers = added.filter((token) => token.rstrip).map((token) => token.content);
  const whole = added.some((token) => token.single_word);
  return (pair) => {
    const [left, right] = pair;
    if (pairs.has(left + right) || whole) return 'joined';
    if (isSpace(left) && (lstrip || strippers.length > 0)) return 'joined';
    return isSpace(right) && strippers.some((text) => text.endsWith(left)) ? 'joined' : pair;
  };
}

function neighbours(text: string): string[] {
  const chars = [...text];
  return chars.slice(1).map((char, at) => chars[at] + char);
}

function normalizerStage(json: unknown): Stage {
  if (!isRecord(json)) return joined;
  if (json.type === 'Prepend') return (pair) => pair;
  if (json.type === 'NFC' || json.type === 'NFD' || json.type === 'NFKC' || json.type === 'NFKD') {
    const form = json.type;
    // Neither changed by the form nor drawn to the character before.
    const inert = (char: string): boolean =>
      char.normalize(form) === char && !/[\p{M}\u1160-\u11ff\ud7b0-\ud7ff]/u.test(char);
    return (pair) => (pair.every(inert) ? pair : 'joined');
  }
  if (json.type === 'Lowercase') {
    return ([left, right]) => [lastOf(left.toLowerCase()), firstOf(right.toLowerCase())];
  }
  return json.type === 'Replace' ? replaceStage(json) : joined;
}

function replaceStage(json: JsonRecord): Stage {
  const { content } = json;
  const find = finderOf(json.pattern);
  if (find === null || typeof content !== 'string') return joined;
  return (pair) => {
    const at = find(pair);
    if (!at.local) return 'joined';
    const [left, right] = pair;
    const isOne = isRecord(json.pattern) && [...String(json.pattern.String ?? '')].length === 1;
    if (!isOne) return at.mayTakeLeft || at.mayTakeRight ? 'joined' : pair;
    if (content === '' && (at.takesLeft || at.takesRight)) return 'joined';
    return [at.takesLeft ? lastOf(content) : left, at.takesRight ? firstOf(content) : right];
  };
}

function firstOf(text: string): string {
  return [...text][0];
}

function lastOf(text: string): string {
  return [...text].at(-1) ?? '';
}

function preTokenizerStage(json: unknown): Stage {
  if (!isRecord(json)) return joined;
  switch (json.type) {
    case 'ByteLevel':
      return json.use_regex === false ? joined : certain(splitStage(regexFinder(gpt2Pattern), 'Isolated', false));
    case 'Digits':
      return splitStage(charFinder(/^\p{N}$/u), json.individual_digits === true ? 'Isolated' : 'Contiguous', false);
    case 'Metaspace': {
      const mark = typeof json.replacement === 'string' ? json.replacement : '▁';
      const marked = (char: string): string => (char === ' ' ? mark : char);
      const split = splitStage(textFinder(mark), 'MergedWithNext', false);
      return ([left, right]) => {
        const pair: Pair = [marked(left), marked(right)];
        return json.split === false ? pair : split(pair);
      };
    }
    case 'Punctuation':
      return splitStage(punctuationFinder, typeof json.behavior === 'string' ? json.behavior : 'Isolated', false);
    case 'WhitespaceSplit':
      return splitStage(setFinder(isSpace), 'Removed', false);
    case 'Split': {
      const find = finderOf(json.pattern);
      return find === null ? joined : splitStage(find, String(json.behavior), json.invert === true);
    }
    default:
      return joined;
  }
}

/** What a stage after which characters are bytes leaves together stays in doubt. */
function certain(stage: Stage): Stage {
  return (pair) => (stage(pair) === 'parted' ? 'parted' : 'joined');
}

type Finder = (pair: Pair) => PatternAtCut;

/**
 * Splits at what is found: `parted` where the border between a match and its neighbour always lies
 * at the cut.
 */
function splitStage(find: Finder, behavior: string, invert: boolean): Stage {
  if (invert && behavior !== 'Removed' && behavior !== 'Isolated') return joined;
  return (pair) => {
    const { local, takesLeft, takesRight, mayTakeLeft, mayTakeRight } = find(pair);
    if (!local) return 'joined';
    if (behavior === 'Removed' || behavior === 'Isolated') return takesLeft || takesRight ? 'parted' : pair;
    // A match is put with what stands before it, or after it, which is safe where it is no match's
    // end or beginning.
    if (behavior === 'MergedWithPrevious') return takesLeft ? 'parted' : mayTakeLeft || mayTakeRight ? 'joined' : pair;
    if (behavior === 'MergedWithNext') return takesRight ? 'parted' : mayTakeLeft || mayTakeRight ? 'joined' : pair;
    if (behavior !== 'Contiguous') return 'joined';
    if ((takesLeft && !mayTakeRight) || (takesRight && !mayTakeLeft)) return 'parted';
    return takesLeft === mayTakeLeft && takesRight === mayTakeRight ? pair : 'joined';
  };
}

function finderOf(pattern: unknown): Finder | null {
  if (!isRecord(pattern)) return null;
  if (typeof pattern.Regex === 'string') return regexFinder(pattern.Regex);
  return typeof pattern.String === 'string' && pattern.String !== '' ? textFinder(pattern.String) : null;
}

function regexFinder(source: string): Finder {
  const node = parsePattern(source, 'a pattern');
  return ([left, right]) => patternAtCut(node, left.codePointAt(0) ?? 0, right.codePointAt(0) ?? 0);
}

/** Single characters, each a match. */
function charFinder(pattern: RegExp): Finder {
  return setFinder((char) => pattern.test(char));
}

const punctuationFinder: Finder = setFinder((char) => isPunctuation(char.codePointAt(0) ?? 0));

function setFinder(has: (char: string) => boolean): Finder {
  return ([left, right]) => {
    const [a, b] = [has(left), has(right)];
    return { local: true, takesLeft: a, takesRight: b, mayTakeLeft: a, mayTakeRight: b };
  };
}

function textFinder(text: string): Finder {
  const chars = [...text];
  if (chars.length === 1) return setFinder((char) => char === text);
  const pairs = new Set(neighbours(text));
  return ([left, right]) => ({
    local: !pairs.has(left + right),
    takesLeft: false,
    takesRight: false,
    mayTakeLeft: chars.includes(left),
    mayTakeRight: chars.includes(right),
  });
}

/** No merge crosses where no piece has both characters as neighbours; unknown ones may be fused. */
function mergeStage({ model, pieces, idOf }: Vocabulary): Stage {
  const pairs = new Set(pieces.flatMap((piece) => (piece === undefined ? [] : neighbours(piece))));
  return ([left, right]) => {
    const known = idOf.has(left) && idOf.has(right);
    return known && !model.ignore_merges && !pairs.has(left + right) ? 'parted' : 'joined';
  };
}
