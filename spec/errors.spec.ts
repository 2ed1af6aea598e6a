import { fc, test } from '@fast-check/vitest';
import { expect, test as plain } from 'vitest';
import { BlockprunerError, FormatError, shortened } from '../src/errors.ts';
import { expectTyped, hostileTexts } from './formats/hostile.ts';

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom(...hostileTexts.slice(0, -1)));

test.prop([text, text, text])('a message is one line that steers no terminal', (message, where, remedy) => {
  fc.pre(`${message}${where}${remedy}` !== '');
  expectTyped(new BlockprunerError(message, { where, remedy }));
});

plain('a message in plain words stays as it is', () => {
  const error = new FormatError('is damaged.', { where: 'モデル/model.gguf', remedy: 'Copy it again.' });
  expect(error.message).toBe('モデル/model.gguf: is damaged. Copy it again.');
});

test.prop([fc.string({ unit: 'binary' }), fc.nat(12)])('a text is shortened between its characters', (raw, length) => {
  expect(shortened(raw, length)).toBe(longestPrefix(raw, length));
});

/** Whole characters from the beginning, as many as fit into `length` units. */
function longestPrefix(whole: string, length: number): string {
  let prefix = '';
  for (const character of whole) {
    if (prefix.length + character.length > length) break;
    prefix += character;
  }
  return prefix;
}
