import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { parseData } from '../../src/eval/textData.ts';
import { countWords } from '../../src/eval/words.ts';

const SPACES = [
  ' ',
  '\t',
  '\n',
  '\v',
  '\f',
  '\r',
  '\u001C',
  '\u001F',
  '\u0085',
  '\u00A0',
  '\u1680',
  '\u2003',
  '\u2028',
  '\u3000',
];
const space = fc.string({ unit: fc.constantFrom(...SPACES), minLength: 1, maxLength: 4 });
const word = fc.string({ unit: fc.constantFrom('a', 'é', '\uFEFF', '\u200B', '𝄞'), minLength: 1, maxLength: 4 });

test.prop([fc.array(fc.tuple(word, space), { maxLength: 8 }), word])(
  'are what stands between white space',
  (pairs, last) => {
    const text = pairs.flat().join('') + last;
    expect(countWords(text)).toBe(pairs.length + 1);
    // As Python's re.split, which gives an empty piece at an end that is white space.
    expect(countWords(` ${text}`)).toBe(pairs.length + 2);
    expect(countWords(`${text}\n\n`)).toBe(pairs.length + 2);
  },
);

it('of an empty text is one', () => expect(countWords('')).toBe(1));

it('are as many as Python counts', () => {
  const folder = `${import.meta.dirname}/conventions`;
  const golden = JSON.parse(readFileSync(`${folder}/golden.json`, 'utf8')) as { words: number[] };
  const data = parseData('rows.jsonl', readFileSync(`${folder}/rows.jsonl`, 'utf8'), 'text');
  expect(data.kind === 'rows' && data.rows.map(countWords)).toEqual(golden.words);
});
