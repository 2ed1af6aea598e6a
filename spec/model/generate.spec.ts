import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { DataError, NonFiniteError, UsageError } from '../../src/errors.ts';
import { generate, type GenerateOptions, type GenerationEnd } from '../../src/model/generate.ts';
import { Mask } from '../../src/model/mask.ts';
import { argmax, greedy, type SamplingSettings } from '../../src/model/sampler.ts';
import type { Transformer } from '../../src/model/transformer.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';
import { forward } from './forward.ts';
import { someFamily, someMask, someSequences } from './modelArbitraries.ts';
import { TINY_CONTEXT, TINY_VOCAB, tinyTransformer } from './tinyTransformer.ts';

const LAYERS = 2;
const warm: SamplingSettings = { temperature: 1.5, topK: 0, topP: 0.9 };
const somePrompt = someSequences({ minLength: 1, maxLength: 8 }, 1).map(([ids]) => [...ids]);
/** No id ends a text here, unless a test says so. */
const endless = { eos_token_id: null };

async function textOf(
  model: Transformer,
  prompt: number[],
  mask: Mask,
  options: Partial<GenerateOptions> = {},
): Promise<number[]> {
  const all = { maxTokens: 10, sampling: greedy, rng: seededRng(1), ...options };
  const text: number[] = [];
  for await (const id of generate(model, prompt, mask, all)) text.push(id);
  return text;
}

/** The text with why it ended. */
async function endOf(
  model: Transformer,
  prompt: number[],
  options: Partial<GenerateOptions>,
): Promise<GenerationEnd & { made: number }> {
  const tokens = generate(model, prompt, Mask.empty, {
    maxTokens: 10,
    sampling: greedy,
    rng: seededRng(1),
    ...options,
  });
  for (let made = 0; ; made++) {
    const next = await tokens.next();
    if (next.done === true) return { ...next.value, made };
  }
}

describe('why a text ends', () => {
  it('says which end token it was, and takes other end tokens than the config’s', async () => {
    const { model } = await tinyTransformer({ config: { eos_token_id: 0 } });
    const open = await textOf(model, [1, 5], Mask.empty, { endTokenIds: [], sampling: warm });
    expect(open).toHaveLength(10);
    const last = open[4];
    const made = open.indexOf(last);
    expect(
      await endOf(model, [1, 5], {
        endTokenIds: [TINY_VOCAB - 1, last].filter((id) => id !== open[0] || id === last),
        sampling: warm,
      }),
    ).toEqual({
      stoppedBy: 'end token',
      endTokenId: last,
      made,
    });
  });

  it.each([
    ['max tokens', TINY_CONTEXT - 3, 2, 2],
    ['max tokens', TINY_CONTEXT - 3, 3, 3],
    ['context', TINY_CONTEXT - 3, 4, 3],
    ['max tokens', 1, 0, 0],
  ] as const)('%s, after %i tokens of prompt and at most %i more', async (stoppedBy, length, maxTokens, made) => {
    const { model } = await tinyTransformer({ config: endless });
    const prompt = Array.from({ length }, (_, index) => index % TINY_VOCAB);
    expect(await endOf(model, prompt, { maxTokens })).toEqual({ stoppedBy, endTokenId: null, made });
  });
});

describe('logits that are not numbers', () => {
  it.each([NaN, Infinity, -Infinity])(
    '%d is an error, however tokens are drawn, and nothing stays behind',
    async (value) => {
      const backend = referenceBackend();
      const { model } = await tinyTransformer({ backend, config: endless });
      const logits = model.logits.bind(model);
      let passes = 0;
      model.logits = async (x) => {
        const given = await logits(x);
        if (++passes === 3) given[7] = value;
        return given;
      };
      for (const sampling of [greedy, warm]) {
        passes = 0;
        const made = textOf(model, [1, 2], Mask.empty, { sampling });
        await expect(made).rejects.toThrow(NonFiniteError);
        await expect(made).rejects.toThrow(
          `position 4: the model gives ${value} as the logit of token 7 (1 of ${TINY_VOCAB} are not finite).`,
        );
      }
      model.free();
      expect(backend.bytesInUse()).toBe(0);
    },
  );
});

describe('generate', () => {
  test.prop([someFamily, someMask(LAYERS), somePrompt, seeds], { numRuns: 25 })(
    'greedily takes what a full pass over the text so far ranks first, up to an end of text',
    async (family, mask, prompt, seed) => {
      const { model } = await tinyTransformer({ family, layers: LAYERS, seed });
      const text = await textOf(model, prompt, mask);
      const sofar = [...prompt];
      for (let made = 0; made < 10; made++) {
        const next = argmax((await forward(model, [Int32Array.from(sofar)], mask))[sofar.length - 1]);
        if (model.config.eosTokenIds.includes(next)) {
          expect(text).toHaveLength(made);
          return;
        }
        expect(text[made]).toBe(next);
        sofar.push(next);
      }
      expect(text).toHaveLength(10);
    },
  );

  test.prop([someFamily, someMask(LAYERS), somePrompt, seeds], { numRuns: 15 })(
    'the same seed gives the same text, in the vocabulary and without the end of text',
    async (family, mask, prompt, seed) => {
      const { model } = await tinyTransformer({ family, layers: LAYERS });
      const draw = (): Promise<number[]> => textOf(model, prompt, mask, { sampling: warm, rng: seededRng(seed) });
      const text = await draw();
      expect(await draw()).toEqual(text);
      for (const id of text) expect(id >= 0 && id < TINY_VOCAB && !model.config.eosTokenIds.includes(id)).toBe(true);
    },
  );

  it('ends at the model’s context', async () => {
    for (const family of ['llama', 'gpt2'] as const) {
      const { model } = await tinyTransformer({ family, config: endless });
      const prompt = Array.from({ length: TINY_CONTEXT - 3 }, (_, index) => index % TINY_VOCAB);
      expect(await textOf(model, prompt, Mask.empty)).toHaveLength(3);
    }
  });

  it('ends at each of several end-of-text ids, which is not given out', async () => {
    const open = (eos: unknown): ReturnType<typeof tinyTransformer> =>
      tinyTransformer({ config: { eos_token_id: eos } });
    const text = await textOf((await open(null)).model, [1, 5], Mask.empty, { sampling: warm });
    expect(text).toHaveLength(10);
    const last = text[6];
    const ended = await textOf((await open([0, last])).model, [1, 5], Mask.empty, { sampling: warm });
    expect(ended).toEqual(text.slice(0, Math.min(...[0, last].map((id) => text.indexOf(id)).filter((at) => at >= 0))));
  });

  it('frees its cache at the end, when the caller stops early, and on an error', async () => {
    const backend = referenceBackend();
    const { model } = await tinyTransformer({ backend, config: endless });
    await textOf(model, [1, 2], Mask.empty);
    const options = { maxTokens: 10, sampling: greedy, rng: seededRng(1) };
    for await (const _ of generate(model, [1, 2, 3], Mask.empty, options)) break;
    await expect(textOf(model, [1, TINY_VOCAB], Mask.empty)).rejects.toThrow(DataError);
    model.free();
    expect(backend.bytesInUse()).toBe(0);
  });

  it('adds nothing when asked for nothing', async () => {
    const { model } = await tinyTransformer({ config: endless });
    expect(await textOf(model, [1], Mask.empty, { maxTokens: 0 })).toEqual([]);
  });

  it('refuses an empty prompt, one that fills the context, and settings out of range', async () => {
    const { model } = await tinyTransformer();
    await expect(textOf(model, [], Mask.empty)).rejects.toThrow(DataError);
    await expect(
      textOf(
        model,
        Array.from({ length: TINY_CONTEXT }, () => 1),
        Mask.empty,
      ),
    ).rejects.toThrow(/context of 64/);
    await expect(textOf(model, [1], Mask.empty, { sampling: { ...greedy, topP: 2 } })).rejects.toThrow(UsageError);
  });
});
