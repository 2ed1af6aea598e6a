import { expect, it } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../src/errors.ts';
import { tokenizerFromJson } from '../../src/tokenizer/fromJson.ts';
import { smallByteLevelJson } from './smallTokenizers.ts';

const read = (json: unknown, config?: unknown) => tokenizerFromJson(json, config, 'm: tokenizer.json');

it.each<[string, unknown, string]>([
  ['bytes', { type: 'blockpruner-byte', bos: '<s>', eos: null }, 'bytes (m: tokenizer.json)'],
  ['characters', { type: 'blockpruner-char', alphabet: 'ab' }, 'characters of an alphabet of 2 (m: tokenizer.json)'],
  ['Hugging Face’s', smallByteLevelJson(), 'byte-pair encoding, 302 tokens (m: tokenizer.json)'],
])('the file says which tokenizer it is: %s', (_, json, description) => {
  const tokenizer = read(json);
  expect(tokenizer.description).toBe(description);
  expect(tokenizer.decode(tokenizer.encode('ba'))).toBe('ba');
});

it('the configuration counts for Hugging Face’s', () => {
  expect(read(smallByteLevelJson(), { bos_token: '<s>', add_bos_token: true })).toMatchObject({
    bosTokenId: 300,
    addsBos: true,
  });
});

it.each<[unknown, RegExp]>([
  [null, /^m: tokenizer.json: is not a JSON object/],
  [[], /is not a JSON object/],
  ['blockpruner-byte', /is not a JSON object/],
  [{ type: 'blockpruner-byte', bos: 7 }, /'bos' is not a string/],
  [{ type: 'blockpruner-byte', eos: '' }, /'eos' is not a string/],
  [{ type: 'blockpruner-char' }, /'alphabet' is not a string/],
  [{ type: 'blockpruner-char', alphabet: '' }, /the alphabet is empty/],
  [{ type: 'blockpruner-word' }, /model: is not a JSON object/],
])('%j is refused', (json, message) => {
  expect(() => read(json)).toThrow(FormatError);
  expect(() => read(json)).toThrow(message);
});

it('another model is unsupported, by name', () => {
  expect(() => read({ model: { type: 'WordPiece', vocab: {} } })).toThrow(UnsupportedModelError);
  expect(() => read({ model: { type: 'WordPiece', vocab: {} } })).toThrow(/"WordPiece"/);
});
