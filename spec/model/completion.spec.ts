import { describe, expect, it } from 'vitest';
import { complete, encodePrompt, type Completion } from '../../src/model/completion.ts';
import { Mask } from '../../src/model/mask.ts';
import { greedy } from '../../src/model/sampler.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
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

describe('complete', () => {
  it('gives the text of all ids, and why it ended', async () => {
    const { model } = await tinyTransformer({ config: { eos_token_id: null } });
    // Ids of this model are small. Here each is a third of a character.
    const tokenizer = { ...none, decode: (ids: readonly number[]) => none.decode(ids.map((id) => 0xe0 + (id % 16))) };
    const prompt = { ids: [1, 5], bos: 'none' } as const;
    const options = { maxTokens: 4, sampling: greedy, rng: seededRng(1) };
    const pieces: string[] = [];
    const all = complete(model, tokenizer, prompt, Mask.empty, options);
    let completion: Completion | null = null;
    while (completion === null) {
      const next = await all.next();
      if (next.done === true) completion = next.value;
      else pieces.push(next.value);
    }
    expect(completion).toMatchObject({ stoppedBy: 'max tokens', endTokenId: null });
    expect(completion.ids).toHaveLength(4);
    expect(completion.text).toBe('\uFFFD'.repeat(4));
    expect(pieces).toEqual(['', '', '', '', completion.text]);
  });
});
