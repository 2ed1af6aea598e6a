import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { checkStopStrings, StopStrings, stopTokens } from '../../src/model/stopStrings.ts';
import { TextStream } from '../../src/model/textStream.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import { smallByteLevelJson } from '../tokenizer/smallTokenizers.ts';
import { plainEnd, type Ended } from './plainEnd.ts';

function streamed(pieces: readonly string[], stops: readonly string[]): Ended & { given: string[] } {
  const stream = new StopStrings(stops);
  const given: string[] = [];
  for (const piece of pieces) {
    const { text, stop } = stream.push(piece);
    given.push(text);
    if (stop !== null) return { text: given.join(''), stop, given };
  }
  given.push(stream.end());
  return { text: given.join(''), stop: null, given };
}

/** Few letters, one of them of two UTF-16 units, so that stop strings overlap and repeat. */
const someLetters = (max: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom('a', 'b', 'é', '😀'), { maxLength: max }).map((letters) => letters.join(''));
const someStops = fc.array(
  someLetters(4).filter((stop) => stop !== ''),
  { maxLength: 4 },
);
const somePieces = fc.array(someLetters(3), { maxLength: 14 });

describe('a text with stop strings', () => {
  test.prop([somePieces, someStops], { numRuns: 500 })('ends where it ends as a whole', (pieces, stops) => {
    const { text, stop } = streamed(pieces, stops);
    expect({ text, stop }).toEqual(plainEnd(pieces.join(''), stops));
  });

  test.prop([somePieces, someStops])('gives out all that cannot become a stop string, at once', (pieces, stops) => {
    const { given } = streamed(pieces, stops);
    for (const [index] of given.slice(0, -1).entries()) {
      const out = given.slice(0, index + 1).join('').length;
      const held = pieces
        .slice(0, index + 1)
        .join('')
        .slice(out);
      expect(held === '' || stops.some((one) => one.startsWith(held) && one !== held), held).toBe(true);
    }
  });

  test.prop([someLetters(12), someStops, fc.array(fc.nat({ max: 5 }))])(
    'ends there whatever bytes its tokens are',
    (text, stops, cuts) => {
      // Tokens of one byte, so that characters span tokens; pieces of several tokens.
      const tokenizer = byteTokenizer({}, 'bytes');
      const stream = new TextStream(tokenizer, []);
      const pieces = [...tokenizer.encode(text).map((id) => stream.push(id)), stream.end()];
      const merged: string[] = [];
      for (const [index, piece] of pieces.entries()) {
        const joined = cuts[index % Math.max(1, cuts.length)] === 0;
        merged.push((joined ? (merged.pop() ?? '') : '') + piece);
      }
      const { text: out, stop } = streamed(merged, stops);
      expect({ text: out, stop }).toEqual(plainEnd(text, stops));
    },
  );

  it.each([
    ['a stop string over three pieces', ['one', '\n', '\nUs', 'er: x'], ['\n\nUser:'], 'one', '\n\nUser:'],
    ['one that is only begun', ['a#', '#'], ['###'], 'a##', null],
    ['one that begins again inside itself', ['aa', 'ab'], ['aab'], 'a', 'aab'],
    ['the one that is complete first', ['xab', 'cd'], ['xabcd', 'bc'], 'xa', 'bc'],
    ['the longer of two that end together', ['xab'], ['b', 'ab'], 'x', 'ab'],
    ['one at the start', ['.', 'a'], ['.'], '', '.'],
    ['no stop strings', ['a', 'b'], [], 'ab', null],
  ])('%s', (_, pieces, stops, text, stop) => {
    expect(streamed(pieces, stops)).toMatchObject({ text, stop });
  });
});

describe('stop strings', () => {
  it.each([
    [[''], /^--stop: is empty, which would end every text\. Leave it out/],
    [['a', '\uD83D'], /^--stop: "\\ud83d" holds half a character/],
  ])('%j is refused', (stops, message) => {
    expect(() => checkStopStrings(stops)).toThrow(UsageError);
    expect(() => checkStopStrings(stops)).toThrow(message);
  });

  it.each([
    ['bytes', byteTokenizer({ bos: '<s>', eos: '</s>' }, 'bytes')],
    ['byte-level', hfTokenizer(smallByteLevelJson(), {}, 'byte-level')],
  ])('name special tokens, which are no text: %s', (_, tokenizer) => {
    const [end] = tokenizer.encode('</s>');
    const name = tokenizer.decode([end], { keepSpecial: true });
    expect(tokenizer.decode([end])).toBe('');
    expect([...stopTokens(['a', name], tokenizer)]).toEqual([[end, name]]);
    expect(stopTokens(['a', '</', 's>'], tokenizer).size).toBe(0);
    expect(() => stopTokens([`${name}\n`], tokenizer)).toThrow(UsageError);
    expect(() => stopTokens([`${name}\n`], tokenizer)).toThrow(/holds the special token <\/s>, which is not a text/);
  });
});
