/** Models that say their head is the embedding, and what their files store. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { chunkData, defaultEvalSettings } from '../../../src/eval/chunks.ts';
import { perplexity } from '../../../src/eval/perplexity.ts';
import { parseData } from '../../../src/eval/textData.ts';
import { openHfFolder } from '../../../src/formats/huggingface/weightSource.ts';
import { openModel } from '../../../src/formats/openModel.ts';
import type { TensorToWrite } from '../../../src/formats/safetensors/write.ts';
import { referenceBackend } from '../../../src/backends/reference/referenceBackend.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { readTextFile } from '../../../src/platform/nodeFile.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import { hasShared, sharedPath } from '../../shared.ts';
import { gpt2, llama } from './configs.ts';
import { memoryFolder, randomWeights, sharded, singleFile } from './tinyModel.ts';

const HEAD = 'lm_head.weight';
const tied = { ...llama, tie_word_embeddings: true };

/** A tied model's tensors with a head beside them. */
function withHead(
  embeddingName: string,
  head: (embedding: Float32Array) => Float32Array,
  dtype: TensorToWrite['dtype'] = 'F32',
): Map<string, TensorToWrite> {
  const tensors = randomWeights(embeddingName.includes('wte') ? gpt2 : llama);
  const embedding = tensors.get(embeddingName);
  if (embedding === undefined) throw new Error('no embedding');
  return tensors.set(HEAD, { shape: embedding.shape, dtype, data: head(embedding.data) });
}

const EMBEDDING = 'model.embed_tokens.weight';
const warned = [
  expect.stringMatching(/^folder: config\.json: says tie_word_embeddings, but the stored lm_head\.weight/),
];

describe('a tied model that stores a head', () => {
  test.prop([fc.nat(263 * 48 - 1), fc.integer({ min: 1, max: 3 })], { numRuns: 12 })(
    'of its own, even by one number: that head is used, and said once',
    async (at, shards) => {
      const tensors = withHead(EMBEDDING, (embedding) => embedding.with(at, embedding[at] + 1));
      const files = shards === 1 ? singleFile(tied, tensors) : sharded(tied, shards, tensors);
      const { weights, warnings } = await openHfFolder(memoryFolder(files));
      expect(weights.config.tieWordEmbeddings).toBe(false);
      expect(await weights.tensor(HEAD)).toEqual(tensors.get(HEAD)?.data);
      expect(warnings).toEqual(warned);
      // Nothing but the word of the config differs from the same model that says so.
      const honest = await openHfFolder(memoryFolder(singleFile(llama, tensors)));
      expect(weights.config).toEqual(honest.weights.config);
      expect(await weights.contentHash(nodeHasher())).toBe(await honest.weights.contentHash(nodeHasher()));
    },
  );

  it.each([
    ['the embedding once more', withHead(EMBEDDING, (embedding) => embedding.slice())],
    ['none', new Map([...randomWeights(llama)].filter(([name]) => name !== HEAD))],
  ])('that is %s: tied, and nothing to say', async (_, tensors) => {
    const { weights, warnings } = await openHfFolder(memoryFolder(singleFile(tied, tensors)));
    expect(weights.config.tieWordEmbeddings).toBe(true);
    expect(weights.tensors.has(HEAD)).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('in another type, with the same values or with others', async () => {
    const halves = withHead(EMBEDDING, (embedding) => embedding.map(Math.round), 'F16');
    const rounded = halves.get(HEAD)?.data ?? new Float32Array();
    const same = new Map([...halves, [EMBEDDING, { shape: [263, 48], dtype: 'F32' as const, data: rounded }]]);
    expect((await openHfFolder(memoryFolder(singleFile(tied, same)))).weights.config.tieWordEmbeddings).toBe(true);
    expect((await openHfFolder(memoryFolder(singleFile(tied, halves)))).warnings).toEqual(warned);
  });

  it('GPT-2, whose head is tied where the config says nothing', async () => {
    const tensors = withHead('transformer.wte.weight', (embedding) => embedding.map((value) => -value));
    for (const strip of [false, true]) {
      const named = new Map(
        [...tensors].map(([name, tensor]) => [strip ? name.replace('transformer.', '') : name, tensor]),
      );
      const { weights, warnings } = await openHfFolder(memoryFolder(singleFile(gpt2, named)));
      expect(weights.config.tieWordEmbeddings).toBe(false);
      expect(warnings).toEqual(warned);
    }
  });

  it('of another shape is refused by its shape', async () => {
    const tensors = randomWeights(llama).set(HEAD, { shape: [2, 48], dtype: 'F32', data: new Float32Array(96) });
    await expect(openHfFolder(memoryFolder(singleFile(tied, tensors)))).rejects.toThrow(
      /'lm_head\.weight' is \[2, 48\]/,
    );
  });

  it('and no embedding: the one is the other', async () => {
    const tensors = randomWeights(llama);
    const head = tensors.get(HEAD)?.data;
    tensors.delete(EMBEDDING);
    const { weights, warnings } = await openHfFolder(memoryFolder(singleFile(tied, tensors)));
    expect(await weights.tensor(EMBEDDING)).toEqual(head);
    expect(weights.tensors.has(HEAD)).toBe(false);
    expect(warnings).toEqual([]);
    const files = singleFile({ ...llama, tie_word_embeddings: false }, tensors);
    await expect(openHfFolder(memoryFolder(files))).rejects.toThrow(/'model\.embed_tokens\.weight' is missing/);
  });

  it('is compared in pieces, and no further than to the first that differs', async () => {
    const wide = { ...tied, vocab_size: 90_000, num_hidden_layers: 1 };
    const tensors = randomWeights({ ...wide, tie_word_embeddings: false });
    const folder = memoryFolder(singleFile(wide, tensors));
    await openHfFolder(folder);
    // Headers, the config, and a first piece of each of the two.
    expect(folder.bytesRead).toBeLessThan(2 * 4 * 2 ** 20 + 50_000);
    const embedding = tensors.get(EMBEDDING)?.data ?? new Float32Array();
    for (const data of [embedding, embedding.with(embedding.length - 1, 7)]) {
      const head = { shape: [90_000, 48], dtype: 'F32' as const, data };
      const { weights } = await openHfFolder(memoryFolder(singleFile(wide, new Map([...tensors, [HEAD, head]]))));
      expect(weights.config.tieWordEmbeddings).toBe(data === embedding);
    }
  });
});

it.skipIf(!hasShared)('tied_but_head has the perplexity of its stored head (skipped without the faults)', async () => {
  const opened = await openModel(sharedPath('faults/tied_but_head'));
  try {
    const file = sharedPath('faults/ids_llama.json');
    const raw = parseData(file, await readTextFile(file), 'text');
    const chunks = chunkData('ids', raw, opened.weights.config, opened.tokenizer, {
      ...defaultEvalSettings,
      chunk: 40,
    });
    const model = await Transformer.load(opened.weights, referenceBackend(), 2 ** 28);
    expect((await perplexity(model, chunks, Mask.empty)).ppl).toBeCloseTo(389.10163, 4);
    expect(opened.warnings).toHaveLength(1);
  } finally {
    await opened.close();
  }
});
