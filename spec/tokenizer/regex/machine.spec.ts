/**
 * The machine of patterns beside the plain matcher, and its sets of letters beside JavaScript's.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { UnsupportedModelError } from '../../../src/errors.ts';
import { sameLetter } from '../../../src/tokenizer/regex/charSet.ts';
import { Machine, StepsSpent } from '../../../src/tokenizer/regex/machine.ts';
import { parsePattern } from '../../../src/tokenizer/regex/parse.ts';
import { compile } from '../../../src/tokenizer/regex/program.ts';
import { endsOf, firstMatch } from './plainMatcher.ts';

/** Letters, a word's border, a line's end, and characters of two UTF-16 units. */
const units = ['a', 'b', ' ', '\n', '\u{1F600}', '\u{10400}'];
const texts = fc.array(fc.constantFrom(...units), { maxLength: 9 }).map((parts) => parts.join(''));

const atoms = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\s', '\\w', '\u{1F600}', '[\u{1F600}\u{10400}]', '\\n');
const places = fc.constantFrom('^', '$', '\\A', '\\z', '\\Z', '\\b', '\\B');
const counts = fc.constantFrom('*', '+', '?', '*?', '+?', '??', '*+', '++', '?+', '{2}', '{1,2}', '{0,3}', '{2,}');

const { pattern: drawn } = fc.letrec<{ pattern: string; choice: string; part: string; group: string }>((tie) => ({
  pattern: fc.array(tie('choice'), { minLength: 1, maxLength: 2 }).map((choices) => choices.join('|')),
  choice: fc.array(tie('part'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atoms,
    fc.tuple(atoms, counts).map(([atom, count]) => atom + count),
    places,
    fc.tuple(tie('group'), counts).map(([group, count]) => group + count),
    tie('group'),
    // Behind is looked over a fixed length alone.
    fc.tuple(fc.constantFrom('<=', '<!'), atoms, atoms).map(([look, ...parts]) => `(?${look}${parts.join('')})`),
    fc.tuple(fc.constantFrom('=', '!'), tie('pattern')).map(([look, inner]) => `(?${look}${inner})`),
  ),
  group: fc.tuple(fc.constantFrom('?:', '?>', ''), tie('pattern')).map(([kind, inner]) => `(${kind}${inner})`),
}));

/** Without those that are refused, such as a repeated place: pattern.spec.ts has these. */
const pattern = drawn.filter((source) => {
  try {
    return machineOf(source) !== null;
  } catch (error) {
    if (error instanceof UnsupportedModelError) return false;
    throw error;
  }
});

function machineOf(source: string): Machine {
  return new Machine(compile(parsePattern(source, 'x'), (what) => new UnsupportedModelError(what)));
}

/** UTF-16 positions of a text's characters, its end included. */
function positions(text: string): number[] {
  const found = [0];
  for (const char of text) found.push((found.at(-1) ?? 0) + char.length);
  return found;
}

describe('the machine', () => {
  test.prop([pattern, texts], { numRuns: 400 })(
    'ends where the plain matcher does, from every place',
    (source, text) => {
      const machine = machineOf(source);
      const codePoints = Array.from(text, (char) => char.codePointAt(0) ?? 0);
      const at = positions(text);
      const node = parsePattern(source, 'x');
      for (let start = 0; start <= codePoints.length; start++) {
        const plain = endsOf(node, codePoints, start).next();
        const expected = plain.done === true ? -1 : at[plain.value];
        expect(machine.matchAt(text, at[start], { steps: 1e6 }), `${source} at ${start}`).toBe(expected);
      }
    },
  );

  test.prop([pattern, texts], { numRuns: 60 })('counts what it takes, whatever it was given', (source, text) => {
    const machine = machineOf(source);
    const budget = { steps: 1e6 };
    const end = machine.matchAt(text, 0, budget);
    const taken = 1e6 - budget.steps;
    expect(taken).toBeGreaterThan(0);
    expect(machine.matchAt(text, 0, { steps: taken })).toBe(end);
    expect(() => machine.matchAt(text, 0, { steps: taken - 1 })).toThrow(StepsSpent);
  });

  test.prop([fc.array(fc.tuple(pattern, texts), { minLength: 2, maxLength: 4 })], { numRuns: 25 })(
    'remembers nothing of the texts before',
    (cases) => {
      const [[source]] = cases;
      const used = machineOf(source);
      for (const [, text] of cases)
        expect(used.matchAt(text, 0, { steps: 1e6 })).toBe(machineOf(source).matchAt(text, 0, { steps: 1e6 }));
    },
  );

  it('finds, in a text of many ways out, what the plain matcher finds', () => {
    const source = '(?:a|aa)*+b|(?>a*)a|a++|.';
    const text = 'aaaab aaa';
    const found = firstMatch(
      parsePattern(source, 'x'),
      Array.from(text, (char) => char.codePointAt(0) ?? 0),
      0,
    );
    expect(found).toEqual([0, 5]);
    expect(machineOf(source).matchAt(text, 0, { steps: 1e4 })).toBe(5);
  });
});

describe('letters that are the same when case does not count', () => {
  /** Every letter that has a case, and some that have none. */
  const letters = Array.from({ length: 0x1_ffff }, (_, codePoint) => codePoint).filter((codePoint) => {
    const surrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    return !surrogate && (sameLetter(codePoint).length > 1 || codePoint % 97 === 0);
  });

  it('are those of JavaScript', () => {
    expect(letters.length).toBeGreaterThan(2500);
    for (const codePoint of letters) {
      const others = sameLetter(codePoint);
      const escaped = `^\\u{${codePoint.toString(16)}}$`;
      const own = new RegExp(escaped, 'iu');
      for (const other of others) expect(own.test(String.fromCodePoint(other)), `${escaped} ${other}`).toBe(true);
    }
  });

  test.prop([fc.constantFrom(...letters)])('are one class: each has the same others', (codePoint) => {
    const others = sameLetter(codePoint);
    expect(others).toContain(codePoint);
    for (const other of others) expect([...sameLetter(other)].toSorted()).toEqual([...others].toSorted());
  });
});
