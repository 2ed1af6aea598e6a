/** The decoders one by one: plain twins, and the fields that they refuse. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../src/errors.ts';
import { byteSymbols, byteSymbolsOf, bytesOfSymbols } from '../../src/tokenizer/byteSymbols.ts';
import { readDecoder } from '../../src/tokenizer/decoders.ts';
import { wellFormed } from '../../src/tokenizer/wellFormed.ts';

const decode = (json: unknown, tokens: readonly string[]): readonly string[] => {
  return readDecoder(json, 't.json')?.decode(tokens) ?? [];
};
const utf8 = new TextEncoder();
const wellFormedText = fc.string({ unit: 'binary' }).map((text) => wellFormed(text));
const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;

describe('ByteFallback', () => {
  const json = { type: 'ByteFallback' };

  test.prop([wellFormedText])('bytes of a text are the text', (text) => {
    expect(decode(json, Array.from(utf8.encode(text), byteToken)).join('')).toBe(text);
  });

  test.prop([fc.array(fc.oneof(fc.nat(255), fc.constantFrom('a', 'é', '<0x>', '<0xZZ>', '<0x123>')))])(
    'a run of bytes is UTF-8 as a whole, or a U+FFFD for each',
    (mixed) => {
      const expected: string[] = [];
      let run: number[] = [];
      const flush = (): void => {
        const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(run));
        const exact = Buffer.from(text).equals(Buffer.from(run));
        expected.push(exact ? text : '\ufffd'.repeat(run.length));
        run = [];
      };
      for (const part of mixed) {
        if (typeof part === 'number') run.push(part);
        else {
          flush();
          expected.push(part);
        }
      }
      flush();
      const tokens = mixed.map((part) => (typeof part === 'number' ? byteToken(part) : part));
      expect(decode(json, tokens).join('')).toBe(expected.join(''));
    },
  );
});

describe('ByteLevel', () => {
  it('has a symbol for each byte, printable and no two alike', () => {
    expect(new Set(byteSymbols).size).toBe(256);
    expect(byteSymbols.join('')).toMatch(/^[^\p{Cc}\p{Cf}\s]{256}$/u);
    expect([byteSymbols[0x20], byteSymbols[0x0a], byteSymbols[0x41]]).toEqual(['Ġ', 'Ċ', 'A']);
  });

  test.prop([wellFormedText])('symbols of a text are its bytes, one each, and decode to it', (text) => {
    const spelled = byteSymbolsOf(text);
    expect(Uint8Array.from(bytesOfSymbols(spelled))).toEqual(utf8.encode(text));
    expect(decode({ type: 'ByteLevel' }, [spelled])).toEqual([text]);
  });

  test.prop([wellFormedText, fc.nat(50)])('a character may be spread over two tokens', (text, cut) => {
    const spelled = byteSymbolsOf(text);
    expect(decode({ type: 'ByteLevel' }, [spelled.slice(0, cut), spelled.slice(cut)])).toEqual([text]);
  });

  it('a token with a character that spells no byte stands for itself as a whole', () => {
    expect(decode({ type: 'ByteLevel' }, ['Ġ世', 'Ġa'])).toEqual(['Ġ世 a']);
  });
});

describe('Strip', () => {
  const tokens = fc.array(fc.string({ unit: fc.constantFrom('😀', ' ', 'a'), maxLength: 6 }));

  test.prop([tokens, fc.nat(4), fc.nat(4), fc.constantFrom('😀', ' ')])(
    'takes up to so many of a character from both ends of every token',
    (given, start, stop, content) => {
      const twin = (token: string): string => {
        const left = new RegExp(`^(?:${content}){0,${start}}`, 'u');
        const right = new RegExp(`(?<!${content})(?:${content})*$`, 'u');
        const rest = token.replace(left, '');
        return rest.replace(right, (found) => content.repeat(Math.max(0, Array.from(found).length - stop)));
      };
      expect(decode({ type: 'Strip', content, start, stop }, given)).toEqual(given.map(twin));
    },
  );
});

describe('Replace and Fuse', () => {
  const tokens = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '▁') }));

  test.prop([tokens, fc.constantFrom('▁', 'ab', 'aa'), fc.constantFrom('', ' ', '$&', '$1')])(
    'puts the content in as it is, a dollar sign too',
    (given, wanted, content) => {
      const expected = given.map((token) => token.split(wanted).join(content));
      expect(decode({ type: 'Replace', pattern: { String: wanted }, content }, given)).toEqual(expected);
    },
  );

  test.prop([tokens])('Fuse makes one token; a sequence runs in its order', (given) => {
    expect(decode({ type: 'Fuse' }, given)).toEqual([given.join('')]);
    const swap = (from: string, to: string): unknown => ({ type: 'Replace', pattern: { String: from }, content: to });
    const sequence = { type: 'Sequence', decoders: [swap('a', 'b'), null, swap('b', 'c'), { type: 'Fuse' }] };
    expect(decode(sequence, given)).toEqual([given.join('').replaceAll(/[ab]/g, 'c')]);
  });
});

describe('what is not a decoder', () => {
  it('is null where the file has none', () => {
    expect([readDecoder(null, 't.json'), readDecoder(undefined, 't.json')]).toEqual([null, null]);
  });

  it.each([
    ['text', FormatError, 'is not a JSON object'],
    [[], FormatError, 'is not a JSON object'],
    [{}, FormatError, "'type' is not a string"],
    [{ type: 'toString' }, UnsupportedModelError, '"toString" is not supported. Supported: ByteFallback, '],
    [{ type: 'WordPiece' }, UnsupportedModelError, '"WordPiece" is not supported'],
    [{ type: 'Sequence', decoders: {} }, FormatError, "'decoders' is not a list"],
    [{ type: 'Strip', content: 'ab', start: 1 }, FormatError, "'content' is not one character"],
    [{ type: 'Strip', start: 1 }, FormatError, "'content' is not a string"],
    [{ type: 'Strip', content: ' ', start: -1 }, FormatError, "'start' or 'stop' is not a count"],
    [{ type: 'Strip', content: ' ', stop: 1.5 }, FormatError, "'start' or 'stop' is not a count"],
    [{ type: 'Replace', content: ' ' }, FormatError, "'pattern' is neither a Regex nor a String"],
    [{ type: 'Replace', pattern: { String: '' }, content: ' ' }, FormatError, "'pattern' is neither"],
    [{ type: 'Replace', pattern: { String: 'a' } }, FormatError, "'content' is not a string"],
  ])('%j is refused, and the message says where', (json, error, words) => {
    expect(() => readDecoder(json, 't.json')).toThrow(error);
    expect(() => readDecoder(json, 't.json')).toThrow(`t.json: decoder: ${words}`);
  });
});
