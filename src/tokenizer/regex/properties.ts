/**
 * What the names in `\p{…}` and `[:…:]` and the letters after a backslash stand for, as Oniguruma
 * has it.
 */
import { testOf, type CharTest } from './charSet.ts';

/** Names that are not Unicode's, in lower case. */
const posix: Readonly<Record<string, string>> = {
  alnum: '[\\p{Alphabetic}\\p{Nd}]',
  alpha: '\\p{Alphabetic}',
  ascii: '\\p{ASCII}',
  blank: '[\\p{Zs}\\t]',
  cntrl: '\\p{Cc}',
  digit: '\\p{Nd}',
  graph: '[^\\p{White_Space}\\p{Cc}\\p{Cs}\\p{Cn}]',
  lower: '\\p{Lowercase}',
  print: '[^\\p{Cc}\\p{Cs}\\p{Cn}\\p{Zl}\\p{Zp}]',
  punct: '[\\p{P}\\p{S}]',
  space: '\\p{White_Space}',
  upper: '\\p{Uppercase}',
  xdigit: '[0-9A-Fa-f]',
  word: '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]',
};

/** `\s`, `\d`, `\w`, `\h`; their capitals are the others. */
const shorthand: Readonly<Record<string, string>> = {
  s: posix.space,
  d: posix.digit,
  w: posix.word,
  h: posix.xdigit,
};

const tests = new Map<string, CharTest>();

function cachedTest(source: string): CharTest {
  const test = tests.get(source) ?? testOf(source);
  tests.set(source, test);
  return test;
}

/** What `\w` and `\b` take for part of a word. */
export const wordTest: CharTest = cachedTest(`[${posix.word.slice(1, -1)}²³¹¼½¾]`);

/** The test of a POSIX class such as `alpha`, or null for an unknown name. */
export function posixTest(name: string): CharTest | null {
  return Object.hasOwn(posix, name) ? cachedTest(posix[name]) : null;
}

/**
 * The test of `\s`, `\S` and the like, or null for any other letter.
 * @param inClass whether it stands in brackets. Outside, Oniguruma's \w has ² ³ ¹ ¼ ½ ¾ as well.
 */
export function shorthandTest(letter: string, inClass: boolean): CharTest | null {
  const lower = letter.toLowerCase();
  if (!Object.hasOwn(shorthand, lower)) return null;
  const test = lower === 'w' && !inClass ? wordTest : cachedTest(shorthand[lower]);
  return letter === lower ? test : (codePoint) => !test(codePoint);
}

/**
 * The test of a Unicode property: a general category, a script or a binary property; null for an
 * unknown name.
 */
export function propertyTest(name: string, inClass: boolean): CharTest | null {
  const lower = name.toLowerCase();
  if (lower === 'word' && !inClass) return wordTest;
  // As a property, punctuation has no symbols.
  const known = lower === 'punct' ? cachedTest('\\p{P}') : posixTest(lower);
  if (known !== null) return known;
  if (!/^\w+$/.test(name)) return null;
  for (const source of [`\\p{${name}}`, `\\p{Script=${name}}`]) {
    try {
      return cachedTest(source);
    } catch {
      // No property of this kind: the next one is tried.
    }
  }
  return null;
}
