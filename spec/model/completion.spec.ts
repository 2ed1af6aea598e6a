import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { UsageError } from '../../src/errors.ts';
import { complete, encodePrompt, type CompleteOptions, type Completion } from '../../src/model/completion.ts';
import { Mask } from '../../src/model/mask.ts';
import { greedy } from '../../src/model/sampler.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { seeds } from '../arbitraries.ts';
import { plainEnd } from './plainEnd.ts';
import { tinyTransformer } from './tinyTransformer.ts';

const bytes = byteTokenizer({ bos: '<s>' }, 'bytes');
const silent = { ...bytes, addsBos: false };
const none = byteTokenizer({}, 'bytes');

describe('encodePrompt', () => {
  it.each([
    ['a tokenizer that adds one', bytes, 'ab', [256, 97, 98], 'added'],
    ['a text that begins with one', bytes, '<s>ab', [256, 97, 98], 'in the text'],
    ['a text that begins with two', bytes, '<s><s>ab', [256, 256, 97, 98], 'in the text'],
    ['one further on', bytes, 'a<s>b', [256, 97, 256, 98], 'added'],
    ['a tokenizer that adds none', silent, 'ab', [97, 98], 'none'],
    ['a tokenizer that adds none, and one in the text', silent, '<s>ab', [256, 97, 98], 'in the text'],
    ['a tokenizer without one', none, '<s>', [60, 115, 62], 'none'],
    ['no text', bytes, '', [256], 'added'],
  ] as const)('%s', (_, tokenizer, text, ids, bos) => {
    expect(encodePrompt(tokenizer, text)).toEqual({ ids: [...ids], bos });
  });
});

/** The pieces that come out, and the whole. */
async function completed(
  tokenizer: Tokenizer,
  ids: readonly number[],
  settings: Partial<CompleteOptions> = {},
): Promise<Completion & { pieces: string[] }> {
  const backend = referenceBackend();
  const { model } = await tinyTransformer({ backend, config: { eos_token_id: null } });
  const options = { maxTokens: 12, sampling: greedy, rng: seededRng(1), ...settings };
  const all = complete(model, tokenizer, { ids, bos: 'none' }, Mask.empty, options);
  const pieces: string[] = [];
  for (;;) {
    const next = await all.next();
    if (next.done === true) {
      model.free();
      expect(backend.bytesInUse()).toBe(0);
      return { ...next.value, pieces };
    }
    pieces.push(next.value);
  }
}

/** Ids of the tiny model are small: each stands for two letters here, or for a part of an emoji. */
const letters: Tokenizer = { ...none, decode: (ids) => none.decode(ids.flatMap(lettersOf)) };
const emoji = [...new TextEncoder().encode('😀')];

function lettersOf(id: number): number[] {
  return id % 3 === 0 ? emoji : [97 + (id % 5), 97 + (id % 7)];
}

describe('complete', () => {
  it('gives the text of all ids, and why it ended', async () => {
    // Each id is a third of a character.
    const tokenizer = { ...none, decode: (ids: readonly number[]) => none.decode(ids.map((id) => 0xe0 + (id % 16))) };
    const { pieces, ...completion } = await completed(tokenizer, [1, 5], { maxTokens: 4 });
    expect(completion).toMatchObject({ stoppedBy: 'max tokens', endTokenId: null, stopString: null });
    expect(completion.ids).toHaveLength(4);
    expect(completion.text).toBe('\uFFFD'.repeat(4));
    expect(pieces).toEqual(['', '', '', '', completion.text]);
    expect(await completed(tokenizer, [1, 5], { maxTokens: 4, stop: ['\uFFFD\uFFFD'] })).toMatchObject({
      text: '',
      stoppedBy: 'stop string',
    });
  });

  const drawn = { sampling: { temperature: 1.5, topK: 0, topP: 1 } };

  test.prop([seeds, fc.nat(), fc.integer({ min: 1, max: 6 })], { numRuns: 40 })(
    'ends before a stop string, and gives out no part of it',
    async (seed, from, length) => {
      const whole = await completed(letters, [1, 5], { ...drawn, rng: seededRng(seed) });
      const characters = [...whole.text];
      const begin = from % characters.length;
      const stop = [characters.slice(begin, begin + length).join(''), 'zz'];
      const found = await completed(letters, [1, 5], { ...drawn, rng: seededRng(seed), stop });
      const { text, stop: stopString } = plainEnd(whole.text, stop);
      expect(found).toMatchObject({ text, stoppedBy: 'stop string', stopString, endTokenId: null });
      expect(found.pieces.join('')).toBe(text);
      expect(whole.ids.slice(0, found.ids.length)).toEqual(found.ids);
      // No token more than the stop string needs.
      expect(plainEnd(letters.decode(found.ids.slice(0, -1)), stop).stop).toBeNull();
    },
  );

  it('ends at a special token that is a stop string, and says which it was', async () => {
    const { ids } = await completed(letters, [1, 5], drawn);
    const end = ids[5];
    const special: Tokenizer = {
      ...letters,
      decode: (all, { keepSpecial = false } = {}) =>
        all.map((id) => (id !== end ? letters.decode([id]) : keepSpecial ? '<|end|>' : '')).join(''),
      byteLength: (id) => (id === end ? 0 : 1),
    };
    const stopped = await completed(special, [1, 5], { ...drawn, stop: ['<|end|>'] });
    expect(stopped).toMatchObject({ stoppedBy: 'stop string', stopString: '<|end|>', endTokenId: null });
    expect(stopped.ids).toEqual(ids.slice(0, ids.indexOf(end)));
    // Where it is the model's own end token as well, that comes first.
    expect(await completed(special, [1, 5], { ...drawn, stop: ['<|end|>'], endTokenIds: [end] })).toMatchObject({
      stoppedBy: 'end token',
      stopString: null,
      endTokenId: end,
    });
  });

  it('refuses stop strings that cannot be found, before it computes anything', async () => {
    await expect(completed(letters, [1, 5], { stop: [''] })).rejects.toThrow(UsageError);
  });
});
