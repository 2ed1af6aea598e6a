import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../../src/errors.ts';
import { Pattern } from '../../../src/tokenizer/regex/pattern.ts';

const pieces = (pattern: string, text: string): string[] =>
  new Pattern(pattern, 'x').matches(text).map(([start, end]) => text.slice(start, end));

/** As python tokenizers 0.23.3 splits them; JavaScript's own expressions differ in every one. */
it.each<[string, string, string[]]>([
  ['a*+b|a', 'aaab aa', ['aaab', 'a', 'a']],
  ['(?>a+)b', 'aab', ['aab']],
  ['(?>a+)ab|b', 'aaab', ['b']],
  ['(?>a|ab)c|b', 'abc', ['b']],
  ['\\s++$|\\s+(?!\\S)|\\s', 'a  \n  a', ['  \n ', ' ']],
  ['\\p{N}{1,3}+', '12345678', ['12345678']],
  ['a{2}?', 'aaaaa', ['aa', 'aa', '']],
  ['a{,2}', 'aaab', ['aa', 'a', '']],
  ['^a', 'a\na\ra', ['a', 'a']],
  ['a$', 'a\na', ['a', 'a']],
  ['(?m:.)', '\na', ['\n', 'a']],
  ['.', '\r\u2028\n', ['\r', '\u2028']],
  ['\\s', '\u0085\ufeff\u00a0', ['\u0085', '\u00a0']],
  ['\\w', 'é²_٣-', ['é', '²', '_', '٣']],
  ['[\\w]', 'é²_٣-', ['é', '_', '٣']],
  ['\\h', 'gF9', ['F', '9']],
  ['(?i:s)', 'sSſß', ['s', 'S', 'ſ']],
  ['(?i:k)', 'kK\u212a', ['k', 'K', '\u212a']],
  ['(?i:\\p{Lu})', 'aA', ['A']],
  ['(?i:[\\p{Lu}])', 'aA1', ['a', 'A']],
  ['a(?i)b|c', 'aB C aC', ['aB', 'aC']],
  ['[[:alpha:]&&[^b]]+', 'aabc', ['aa', 'c']],
  ['[[:punct:]]', '$a!', ['$', '!']],
  ['\\p{Punct}', '$a!', ['!']],
  ['[^a]', 'a\ud83d\ude42', ['\ud83d\ude42']],
  ['(?<=a|bc)d', 'adbcdcd', ['d', 'd']],
  ['a\\Z', 'a\na\n', ['a']],
  ['\\x{1F600}|\\u0041', 'A\u{1f600}', ['A', '\u{1f600}']],
])('%s in %j', (pattern, text, expected) => {
  expect(pieces(pattern, text)).toEqual(expected);
});

/** Patterns that mean the same in both languages. */
const common = fc.constantFrom('a', 'b', '[ab]', '[^a]', '(?:ab|a)', '(?:b|ab)', '(?=a)', '(?!b)', '(?<=a)', '(a|b)');
const repeated = fc.tuple(common, fc.constantFrom('', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{2,}?'));
const drawn = fc
  .array(fc.array(repeated, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
  .map((choices) =>
    choices
      .map((parts) => parts.map(([atom, count]) => (/^\(\?[=!<]/.test(atom) ? atom : atom + count)).join(''))
      .join('|'),
  )
  // Ruby reads {2}? in another way.
  .filter((pattern) => !pattern.includes('{2}?'));

test.prop([drawn, fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 })], { numRuns: 2000 })(
  'what means the same in JavaScript matches the same',
  (pattern, text) => {
    const filled = (parts: string[]): string[] => parts.filter((part) => part !== '');
    const own = Array.from(text.matchAll(new RegExp(pattern, 'gu')), ([match]) => match);
    expect(filled(pieces(pattern, text))).toEqual(filled(own));
  },
);

describe('a hostile pattern ends with an error', () => {
  it.each(['(a+)+b', '(a|aa)+$b', '^(([a-z])+.)+[A-Z]([a-z])+$', '(\\w+\\s?)*!'])('%s', (pattern) => {
    expect(() => pieces(pattern, 'a'.repeat(100))).toThrow(FormatError);
    expect(() => pieces(pattern, 'a'.repeat(100))).toThrow(/takes too long on a text of 100 characters/);
  });

  it('and one that only looks so gives its matches', () => {
    expect(pieces('(?:a+)+', 'a'.repeat(10_000))).toEqual(['a'.repeat(10_000)]);
    expect(pieces('(.*)*x', 'aax')).toEqual(['aax']);
    expect(pieces('(?:a?){30}a{30}b', 'a'.repeat(30))).toEqual([]);
  });
});

it('a million characters without a place to split are matched in as many steps', () => {
  const text = 'a'.repeat(1e6);
  expect(pieces(' ?\\p{L}+|\\s+(?!\\S)|\\s+', text)).toEqual([text]);
  const spaces = ' '.repeat(1e6);
  expect(pieces('\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+', `${spaces}a`)).toEqual([spaces.slice(1), ' ']);
});

it.each(['(', 'a)', '[a', '*a', 'a\\', '[b-a]', '[a-\\d]'])('%s is broken', (pattern) => {
  expect(() => new Pattern(pattern, 'x')).toThrow(FormatError);
});

it.each([
  ['(a)\\1', '\\1'],
  ['\\X', '\\X'],
  ['\\p{Nope}', 'the property Nope'],
  ['(?~ab)', '(?~'],
  ['(?i:ss)', 'letters that could be a single one'],
  ['(?i:[ß])', 'a letter that is two'],
  ['(?<=a+)b', 'a look behind over a varying length'],
  ['a{2000}', 'more than 1000 repetitions'],
  ['(?:(?:a{900}){900}){900}', 'repetitions that make it too long'],
])('%s is refused: %s', (pattern, named) => {
  expect(() => new Pattern(pattern, 'x')).toThrow(UnsupportedModelError);
  expect(() => new Pattern(pattern, 'x')).toThrow(named);
});
