import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { someText, trickyTexts } from './trickyTexts.ts';

const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];
const examples = trickyTexts.map((text): [string] => [text]);

describe('bytes', () => {
  const tokenizer = byteTokenizer({ bos: '<s>', eos: '</s>' }, 'tiny');

  test.prop([someText], { examples })('are the ids of plain text, which they give back', (text) => {
    const ids = tokenizer.encode(text, { parseSpecial: false });
    expect(ids).toEqual(bytesOf(text));
    expect(tokenizer.decode(ids)).toBe(text);
    expect(ids.reduce((sum, id) => sum + tokenizer.byteLength(id), 0)).toBe(ids.length);
  });

  it('are 256, with the special tokens behind them', () => {
    expect(tokenizer).toMatchObject({ vocabSize: 258, bosTokenId: 256, eosTokenId: 257, addsBos: true });
    expect(byteTokenizer({}, 'x')).toMatchObject({
      vocabSize: 256,
      bosTokenId: null,
      eosTokenId: null,
      addsBos: false,
    });
    expect(byteTokenizer({ eos: '!' }, 'x')).toMatchObject({ vocabSize: 257, bosTokenId: null, eosTokenId: 256 });
  });

  it('have no length where an id is none', () => {
    expect([256, 257, 258, -1, 0.5, Number.NaN].map(tokenizer.byteLength)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('that are not UTF-8 decode to replacement characters, other ids to nothing', () => {
    expect(tokenizer.decode([0xff, 97, 0.5, -1, 999, 256])).toBe('\u{fffd}a');
    expect(tokenizer.encode('\ud83d')).toEqual(bytesOf('\u{fffd}'));
  });
});

describe('special tokens', () => {
  test.prop([fc.array(fc.oneof(someText, fc.constantFrom('<s>', '</s>')))])('are found wherever they are', (parts) => {
    const tokenizer = byteTokenizer({ bos: '<s>', eos: '</s>' }, 'x');
    const text = parts.join('');
    const expected = text.split(/(<s>|<\/s>)/).flatMap((part) => {
      return part === '<s>' ? [256] : part === '</s>' ? [257] : bytesOf(part);
    });
    expect(tokenizer.encode(text)).toEqual(expected);
    expect(tokenizer.decode(expected, { keepSpecial: true })).toBe(text);
    expect(tokenizer.decode(expected)).toBe(text.replaceAll(/<\/?s>/g, ''));
  });

  it('may have texts that a pattern would take for its own', () => {
    const tokenizer = byteTokenizer({ bos: '.*', eos: '$|^' }, 'x');
    expect(tokenizer.encode('a.*$|^')).toEqual([97, 256, 257]);
  });

  it('that begin alike give the longer one', () => {
    expect(byteTokenizer({ bos: '<a', eos: '<ab' }, 'x').encode('<ab<a')).toEqual([257, 256]);
    expect(byteTokenizer({ bos: '<ab', eos: '<a' }, 'x').encode('<ab<a')).toEqual([256, 257]);
  });

  it('that are one text are one token', () => {
    expect(byteTokenizer({ bos: '<|end|>', eos: '<|end|>' }, 'x')).toMatchObject({
      vocabSize: 257,
      bosTokenId: 256,
      eosTokenId: 256,
    });
  });
});
