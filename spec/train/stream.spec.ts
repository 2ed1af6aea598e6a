/** A training text as one stream of tokens, and the part of it that a recipe takes. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { tokenizerFromJson } from '../../src/tokenizer/fromJson.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { prepare } from '../../src/train/prepare.ts';
import { checkRecipe } from '../../src/train/recipe.ts';
import { tokenStream } from '../../src/train/stream.ts';
import { tinyConfig } from '../model/tinyTransformer.ts';

const bytes: Tokenizer = tokenizerFromJson({ type: 'blockpruner-byte' }, undefined, 'bytes');

describe('tokenStream', () => {
  test.prop([fc.array(fc.string(), { minLength: 1, maxLength: 5 }), fc.string({ maxLength: 2 })])(
    'is the rows, joined, as they are encoded: no BOS, nothing dropped',
    (rows, join) => {
      const ids = tokenStream('x.txt', { kind: 'rows', rows }, join, 256, bytes);
      expect([...ids]).toEqual([...bytes.encode(rows.join(join))]);
    },
  );

  test.prop([fc.array(fc.nat(300), { maxLength: 20 }), fc.integer({ min: 1, max: 300 })])(
    'of ids takes each below the vocabulary, and names the first that is not',
    (ids, vocabulary) => {
      const wrong = ids.find((id) => id >= vocabulary);
      const stream = (): Int32Array => tokenStream('x.json', { kind: 'ids', ids }, '', vocabulary, null);
      if (wrong === undefined) expect([...stream()]).toEqual(ids);
      else
        expect(stream).toThrow(
          new DataError(`token id ${wrong} is outside the model's vocabulary of ${vocabulary}.`, { where: 'x.json' }),
        );
    },
  );

  it('of text without a tokenizer is refused', () => {
    expect(() => tokenStream('x.txt', { kind: 'rows', rows: ['a'] }, '', 256, null)).toThrow(
      /^x\.txt: text needs a tokenizer, and none was given\. Give token ids as a \.json array\.$/,
    );
  });
});

describe('a part of a text', () => {
  const alphabet = ['a', 'b', 'é', '\u{1F600}', '\u{10FFFF}'];
  const texts = fc.array(fc.constantFrom(...alphabet), { minLength: 30, maxLength: 60 }).map((chars) => chars.join(''));

  /**
   * The characters that a recipe's part of the text trains on, as its tokenizer of characters sees
   * them.
   */
  async function partOf(text: string, from: number, to: number): Promise<string> {
    const seen: string[] = [];
    const recipe = checkRecipe(
      {
        config: { ...tinyConfig('llama', 1), bos_token_id: null, eos_token_id: null, max_position_embeddings: 2 },
        tokenizer: { type: 'blockpruner-char', alphabet: alphabet.join('') },
        seed: 1,
        train: { file: 'x.txt' },
        validation: { file: 'x.txt', from, to },
        steps: 1,
        sequences: 1,
        seqLen: 2,
        lr: 0.1,
      },
      'recipe',
    );
    const { validation } = await prepare(recipe, 'source', () => Promise.resolve(text), nodeHasher);
    for (const ids of validation?.ids ?? []) seen.push(...[...ids].map((id) => alphabet[id]));
    return seen.join('');
  }

  test.prop([texts, fc.double({ min: 0.3, max: 0.7, noNaN: true })], { numRuns: 30 })(
    'ends where the next one begins, and never within a character',
    async (text, middle) => {
      const [head, tail] = [await partOf(text, 0, middle), await partOf(text, middle, 1)];
      // Chunks are of two tokens: each part may lose one. None holds half a character.
      expect([...text].length - [...head].length - [...tail].length).toBeLessThanOrEqual(2);
      expect(text.startsWith(head)).toBe(true);
      expect(text).toContain(tail);
      expect(head).not.toMatch(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/);
      expect(text.indexOf(tail, head.length)).toBeGreaterThanOrEqual(head.length);
    },
  );

  it('that holds nothing is refused by the name of its file', async () => {
    await expect(partOf('ab'.repeat(20), 0.5, 0.501)).rejects.toThrow(/^x\.txt: this part of the text is empty\./);
  });
});
