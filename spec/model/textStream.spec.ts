import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { TextStream } from '../../src/model/textStream.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { smallByteLevelJson, smallSentencePieceJson } from '../tokenizer/smallTokenizers.ts';
import { someText } from '../tokenizer/trickyTexts.ts';

/** A surrogate without its other half. */
const half = /\p{Cs}/u;
const bytes = byteTokenizer({ bos: '<s>' }, 'bytes');
const byteLevel = hfTokenizer(smallByteLevelJson(), {}, 'byte-level');
const spaced = smallSentencePieceJson();
spaced.normalizer = { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, spaced.normalizer] };
(spaced.decoder as { decoders: unknown[] }).decoders.push({ type: 'Strip', content: ' ', start: 1, stop: 0 });
const sentencePiece = hfTokenizer(spaced, {}, 'SentencePiece-like');

function pieces(tokenizer: Tokenizer, prompt: readonly number[], ids: readonly number[]): string[] {
  const stream = new TextStream(tokenizer, prompt);
  return [...ids.map((id) => stream.push(id)), stream.end()];
}

describe.each<[string, Tokenizer]>([
  ['bytes', bytes],
  ['byte-level', byteLevel],
  ['SentencePiece-like', sentencePiece],
])('%s', (_, tokenizer) => {
  test.prop([someText, someText])('the pieces are the text, and no piece is half a character', (before, text) => {
    const prompt = tokenizer.encode(before, { parseSpecial: false });
    // What a text's tokens are in the middle of another text: without a space in front.
    const ids = tokenizer.encode(before + text, { parseSpecial: false });
    fc.pre(ids.slice(0, prompt.length).join() === prompt.join());
    const given = pieces(tokenizer, prompt, ids.slice(prompt.length));
    const whole = tokenizer.decode(ids);
    expect(tokenizer.decode(prompt) + given.join('')).toBe(whole);
    for (const piece of given) expect(half.test(piece) && !half.test(whole), piece).toBe(false);
  });

  test.prop([fc.array(fc.nat({ max: 259 }), { maxLength: 12 })])('any bytes come out, none twice', (ids) => {
    const text = pieces(tokenizer, [], ids).join('');
    if (tokenizer !== sentencePiece) expect(text).toBe(tokenizer.decode(ids));
  });
});

describe('a character that is never finished', () => {
  const [first, second, third] = new TextEncoder().encode('😀');

  it('comes out as U+FFFD at the end', () => {
    expect(pieces(bytes, [97], [first, second, third])).toEqual(['', '', '', '\uFFFD']);
    expect(pieces(bytes, [97], [98, first])).toEqual(['b', '', '\uFFFD']);
  });

  it('comes out as U+FFFD where other text follows', () => {
    expect(pieces(bytes, [97], [first, second, 98])).toEqual(['', '', '\uFFFDb', '']);
  });

  it('after whole ones of the same run of byte tokens changes none of them', () => {
    const ids = [...new TextEncoder().encode('你')].map((byte) => byte + 1);
    expect(pieces(sentencePiece, [258], [...ids, 1 + 0xe4, 258]).join('')).toBe('你\uFFFDa');
  });
});

it('a special token in between loses no space', () => {
  const [end] = sentencePiece.encode('</s>').slice(-1);
  const [a, space] = [258, 257];
  expect(pieces(sentencePiece, [a], [a, end, space, a]).join('')).toBe('a a');
  expect(pieces(bytes, [256], [97, 256, 98])).toEqual(['a', '', 'b', '']);
});
