import { describe, expect, it } from 'vitest';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { prepare, type Prepared } from '../../src/train/prepare.ts';
import { checkRecipe } from '../../src/train/recipe.ts';
import { tinyConfig } from '../model/tinyTransformer.ts';

const good = {
  config: { ...tinyConfig('llama', 1), bos_token_id: null, eos_token_id: null },
  tokenizer: { type: 'blockpruner-char', alphabet: 'abc' },
  seed: 1,
  train: { file: 'x.txt', to: 0.5 },
  validation: { file: 'x.txt', from: 0.5 },
  steps: 40,
  sequences: 2,
  seqLen: 4,
  lr: 0.1,
};
// The first half has no c, the second no a.
const text = 'ab'.repeat(50) + 'bc'.repeat(50);

function prepared(fields: object = {}, content = text): Promise<Prepared> {
  const recipe = checkRecipe({ ...good, ...fields }, 'recipe');
  return prepare(recipe, JSON.stringify(recipe), () => Promise.resolve(content), nodeHasher);
}

describe('checkRecipe', () => {
  it.each([
    ['no recipe at all', undefined, /has no recipe/],
    ['a list', [], /has no recipe/],
    ['an unknown field', { ...good, learningRate: 1 }, /unknown field 'learningRate'\. Known: .*lr/],
    ['a missing field', { ...good, steps: undefined }, /field 'steps' is not a whole number ≥ 1/],
    ['half a step', { ...good, steps: 0.5 }, /field 'steps' is not a whole number ≥ 1/],
    ['a rate of zero', { ...good, lr: 0 }, /field 'lr' is not a number above 0/],
    ['a beta of one', { ...good, beta2: 1 }, /field 'beta2' is not a number from 0 to below 1/],
    ['no config', { ...good, config: null }, /field 'config' is not an object/],
    [
      'a part that ends before it begins',
      { ...good, train: { file: 'x.txt', from: 0.5, to: 0.2 } },
      /field 'train' is neither/,
    ],
    ['a task where text is expected', { ...good, validation: { draw: () => 0 } }, /field 'validation' is no/],
    ['an unknown decay', { ...good, decay: 'step' }, /field 'decay' is neither 'cosine'/],
  ])('refuses %s by its name', (_, value, message) => {
    expect(() => checkRecipe(value, 'recipe.json')).toThrow(message);
  });
});

describe('prepare', () => {
  it('trains on its part of the text alone, and measures on the other', async () => {
    const { draw, validation, settings } = await prepared();
    for (let step = 0; step < 40; step++) {
      const { inputs, targets } = draw(step, 0);
      expect([...inputs, ...targets].every((id) => id < 2)).toBe(true);
    }
    expect(validation?.ids.every((ids) => ids.every((id) => id > 0))).toBe(true);
    expect(settings.schedule).toEqual({ steps: 40, lr: 0.1, minLr: 0.01, warmupSteps: 2, decay: 'cosine' });
  });

  it('takes a task for a text, with randomness of the step', async () => {
    const task = {
      draw: (rng: { int: (n: number) => number }, sequences: number, seqLen: number) => {
        const inputs = Int32Array.from({ length: sequences * seqLen }, () => rng.int(3));
        return { inputs, targets: inputs, seqLen };
      },
    };
    const [first, second] = [
      await prepared({ train: task, validation: undefined }),
      await prepared({ train: task, validation: undefined }),
    ];
    second.draw(0, 0);
    expect(second.draw(1, 0)).toEqual(first.draw(1, 0));
    expect(first.draw(1, 0)).not.toEqual(first.draw(2, 0));
    expect(first.measure).toBeNull();
  });

  it('is another run with another text or seed', async () => {
    const [same, other] = [await prepared(), await prepared({}, `${text}b`)];
    expect((await prepared()).identity).toBe(same.identity);
    expect(new Set([same.identity, other.identity, (await prepared({ seed: 2 })).identity]).size).toBe(3);
  });

  it.each([
    ['a character outside the alphabet', {}, 'abcd'.repeat(40), /"d" at offset 3 is not in the alphabet/],
    ['a text shorter than a sequence', {}, 'abcabc', /fewer than a sequence of 4/],
    ['a family we lack', { config: { model_type: 'mamba' } }, text, /model_type 'mamba' is not supported/],
    [
      'an alphabet larger than the vocabulary',
      { config: { ...good.config, vocab_size: 2 } },
      'abc'.repeat(60),
      /token id 2 is outside the model's vocabulary of 2/,
    ],
  ])('refuses %s', async (_, fields, content, message) => {
    await expect(prepared(fields, content)).rejects.toThrow(message);
  });
});
