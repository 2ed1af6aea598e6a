/**
 * Small models that once gave a wrong figure or a wrong token. The right values come from
 * independent code.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { NonFiniteError } from '../../src/errors.ts';
import { chunkData, defaultEvalSettings } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { generate } from '../../src/model/generate.ts';
import { Mask } from '../../src/model/mask.ts';
import { greedy } from '../../src/model/sampler.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { hasShared, sharedPath } from '../shared.ts';

const fault = (name: string): string => sharedPath('faults', name);

describe.skipIf(!hasShared)('small models of the golden data (skipped without them)', () => {
  it('a text that begins with a BOS gets no second one', async () => {
    const { weights, tokenizer, close } = await openModel(fault('bosm'));
    const model = await Transformer.load(weights, referenceBackend(), 2 ** 28);
    const data = { kind: 'rows' as const, rows: [readFileSync(fault('b1.txt'), 'utf8')] };
    const chunks = chunkData('b1.txt', data, weights.config, tokenizer, { ...defaultEvalSettings, chunk: 32 });
    const { ppl } = await perplexity(model, chunks, Mask.empty, 8);
    expect(ppl.toFixed(2)).toBe('360.47');
    await close();
  });

  it('generation_config.json’s end tokens end a text', async () => {
    const { weights, tokenizer, generation, close } = await openModel(fault('genconf'));
    expect(weights.config.eosTokenIds).toEqual([0]);
    expect(generation).toMatchObject({ endTokenIds: [0, 37], endTokensFrom: 'generation_config.json' });
    const model = await Transformer.load(weights, referenceBackend(), 2 ** 28);
    const prompt = tokenizer?.encode('the') ?? [];
    const { endTokenIds } = generation;
    const tokens = generate(model, prompt, Mask.empty, {
      maxTokens: 8,
      sampling: greedy,
      rng: seededRng(0),
      endTokenIds,
    });
    for (let made = 0; made < 3; made++) expect((await tokens.next()).done).toBe(false);
    expect(await tokens.next()).toEqual({ done: true, value: { stoppedBy: 'end token', endTokenId: 37 } });
    await close();
  });

  it('logits that are NaN are an error', async () => {
    const { weights, tokenizer, close } = await openModel(fault('nanw'));
    const model = await Transformer.load(weights, referenceBackend(), 2 ** 28);
    const prompt = tokenizer?.encode('ROMEO:') ?? [];
    const tokens = generate(model, prompt, Mask.empty, { maxTokens: 8, sampling: greedy, rng: seededRng(0) });
    const next = tokens.next();
    await expect(next).rejects.toThrow(NonFiniteError);
    await expect(next).rejects.toThrow(/512 of 512 are not finite.*It begins in .*tensor '.*' holds NaN/);
    await close();
  });

  it.each([
    ['cfg_added2', 11, 1500],
    ['cfg_prefix', 10, 264],
  ])('%s: tokenizer_config.json is read as transformers reads it', async (name, count, first) => {
    const { tokenizer, warnings, close } = await openModel(fault(name));
    const ids = tokenizer?.encode(readFileSync(fault(`${name}.txt`), 'utf8')) ?? [];
    expect(ids).toHaveLength(count);
    expect(ids[0]).toBe(first);
    expect(warnings).toEqual([]);
    await close();
  });
});
