import { describe, expect, it } from 'vitest';
import { openFolderModel, openGgufModel, type OpenedModel } from '../../../src/formats/modelFiles.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { tinyModel } from '../gguf/fixtures.ts';
import { llama } from './configs.ts';
import { jsonBytes, memoryFolder, singleFile } from './tinyModel.ts';

const config = { ...llama, eos_token_id: [2] };
const { vocab_size: vocab } = llama as { vocab_size: number };

function open(json: unknown): Promise<OpenedModel> {
  const bytes = json instanceof Uint8Array ? json : jsonBytes(json);
  const files = json === undefined ? singleFile(config) : singleFile(config).set('generation_config.json', bytes);
  return openFolderModel(memoryFolder(files), 'folder');
}

describe('generation_config.json', () => {
  it.each<[string, unknown, number[], string]>([
    ['is not there', undefined, [2], 'config.json'],
    ['names one end token', { eos_token_id: 3 }, [3], 'generation_config.json'],
    ['names several', { eos_token_id: [0, 3] }, [0, 3], 'generation_config.json'],
    ['names none', { temperature: 0.6 }, [2], 'config.json'],
    ['names null', { eos_token_id: null }, [2], 'config.json'],
    ['names an empty list', { eos_token_id: [] }, [2], 'config.json'],
    ['names −1, which stands for none', { eos_token_id: -1 }, [2], 'config.json'],
  ])('%s', async (_, json, endTokenIds, endTokensFrom) => {
    const { generation, warnings } = await open(json);
    expect(generation).toMatchObject({ endTokenIds, endTokensFrom });
    expect(warnings).toEqual([]);
  });

  it('changes nothing that a perplexity depends on', async () => {
    const [without, withOne] = [await open(undefined), await open({ eos_token_id: [0, 3], temperature: 0.6 })];
    expect(withOne.weights.config).toEqual(without.weights.config);
  });

  it('how its authors sample is handed on; what says nothing about it is not', async () => {
    const sampling = { do_sample: true, temperature: 0.6, top_p: 0.9, repetition_penalty: 1.1, new_field: [1] };
    const inert = { _from_model_config: true, bos_token_id: 1, pad_token_id: 0, max_length: 64, use_cache: true };
    const { generation } = await open({ ...inert, ...sampling, transformers_version: '5', top_k: null });
    expect(generation).toMatchObject({ suggested: sampling, suggestedBy: 'generation_config.json' });
    expect((await open(inert)).generation).toMatchObject({ suggested: {}, suggestedBy: null });
  });

  it.each<[string, unknown, RegExp]>([
    ['no JSON', new TextEncoder().encode('{'), /generation_config\.json: is not valid JSON.*The file is not used\.$/],
    ['a list', [], /generation_config\.json: the config is not a JSON object.*not used/],
    ['an end token that is text', { eos_token_id: '</s>' }, /'eos_token_id' is '<\/s>', expected a token id.*not used/],
    ['an end token in half', { eos_token_id: [1.5] }, /'eos_token_id' is an array of 1, expected a token id/],
    [
      'one outside the vocabulary',
      { eos_token_id: [vocab] },
      /end token \d+ is outside the vocabulary of \d+, ignored/,
    ],
  ])('that is wrong (%s) is told, and config.json counts', async (_, json, message) => {
    const { generation, warnings } = await open(json);
    expect(generation).toMatchObject({ endTokenIds: [2], endTokensFrom: 'config.json' });
    expect(warnings).toEqual([expect.stringMatching(message)]);
  });

  it('keeps the end tokens that are in the vocabulary', async () => {
    const { generation, warnings } = await open({ eos_token_id: [3, vocab + 7] });
    expect(generation.endTokenIds).toEqual([3]);
    expect(warnings).toHaveLength(1);
  });
});

describe('a GGUF file', () => {
  const read = async (keys: Record<string, number>): Promise<OpenedModel['generation']> => {
    const written = tinyModel('llama');
    for (const [key, value] of Object.entries(keys)) {
      written.metadata.set(key, { type: key.startsWith('tokenizer') ? 'u32' : 'f32', value });
    }
    return (await openGgufModel(memoryBytes('x.gguf', serializeGguf(written)), 'x.gguf')).generation;
  };

  it('has ends of text, of turn and of message', async () => {
    const ends = {
      'tokenizer.ggml.eos_token_id': 2,
      'tokenizer.ggml.eot_token_id': 3,
      'tokenizer.ggml.eom_token_id': 4,
    };
    expect(await read(ends)).toMatchObject({ endTokenIds: [2, 3, 4], endTokensFrom: 'GGUF metadata' });
    expect((await read({ ...ends, 'tokenizer.ggml.eom_token_id': 1e9 })).endTokenIds).toEqual([2, 3]);
    expect((await read({ ...ends, 'tokenizer.ggml.eom_token_id': 2 })).endTokenIds).toEqual([2, 3]);
  });

  it('may say how its authors sample', async () => {
    const keys = { 'general.sampling.temp': 0.5, 'general.sampling.top_k': 20 };
    const { suggested, suggestedBy } = await read(keys);
    expect(suggested).toEqual({ temperature: 0.5, top_k: 20 });
    expect(suggestedBy).toBe('GGUF metadata');
    expect((await read({})).suggestedBy).toBeNull();
  });
});
