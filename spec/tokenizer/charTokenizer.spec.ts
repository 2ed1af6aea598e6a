import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { DataError, FormatError } from '../../src/errors.ts';
import { charTokenizer } from '../../src/tokenizer/charTokenizer.ts';

const alphabets = fc
  .uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), { minLength: 1, maxLength: 40 })
  .filter((characters) => [...characters.join('')].length === characters.length);

test.prop([alphabets, fc.array(fc.nat())])('an id is a place in the alphabet, and back', (alphabet, picks) => {
  const tokenizer = charTokenizer(alphabet.join(''), 'x');
  const ids = picks.map((pick) => pick % alphabet.length);
  const text = ids.map((id) => alphabet[id]).join('');
  expect(tokenizer.encode(text)).toEqual(ids);
  expect(tokenizer.decode(ids)).toBe(text);
  expect(ids.reduce((sum, id) => sum + tokenizer.byteLength(id), 0)).toBe(new TextEncoder().encode(text).length);
  expect(tokenizer.vocabSize).toBe(alphabet.length);
});

test('there are no special tokens', () => {
  expect(charTokenizer('ab', 'x')).toMatchObject({ bosTokenId: null, eosTokenId: null, addsBos: false });
});

test('a character outside the alphabet is refused, with its offset in UTF-16 units', () => {
  const encode = () => charTokenizer('a🙂', 'toy').encode('🙂a\u001bb');
  expect(encode).toThrow(DataError);
  expect(encode).toThrow(/^toy: "\\u001b" at offset 3 is not in the alphabet\. Use these 2 characters only: "a🙂"\.$/);
});

test('an alphabet is not an alphabet when it is empty or has a character twice', () => {
  expect(() => charTokenizer('', 'x')).toThrow(FormatError);
  expect(() => charTokenizer('abca', 'x')).toThrow(/has "a" twice/);
  expect(charTokenizer('e\u0301é', 'x').vocabSize).toBe(3);
});

test('ids outside it stand for nothing', () => {
  const tokenizer = charTokenizer('ab', 'x');
  expect(tokenizer.decode([0, 2, -1, 1])).toBe('ab');
  expect([2, -1].map(tokenizer.byteLength)).toEqual([0, 0]);
});
