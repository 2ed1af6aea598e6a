import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { NonFiniteError } from '../../src/errors.ts';
import { chunkData, type Chunks } from '../../src/eval/chunks.ts';
import { aggregate, perplexity, scoreChunk, type ChunkScore } from '../../src/eval/perplexity.ts';
import type { Transformer } from '../../src/model/transformer.ts';
import { Mask } from '../../src/model/mask.ts';
import { normals, seeds } from '../arbitraries.ts';
import { layersOf } from '../model/layers.ts';
import { someMask } from '../model/modelArbitraries.ts';
import { cancelling, loud, poke } from '../model/nonFiniteModels.ts';
import { TINY_VOCAB, tinyTransformer, type TinyOptions } from '../model/tinyTransformer.ts';
import { settingsOf, someCut, tiny, type Cut } from './evalFixtures.ts';

/** Nothing else of the chunks is looked at when scores are put together. */
const anyChunks: Chunks = chunkData('x', { kind: 'ids', ids: [1, 2] }, tiny, null, settingsOf({ chunk: 2 }));
const withBytes = (scoredBytes: number | null): Chunks => ({ ...anyChunks, scoredBytes });

const someScores: fc.Arbitrary<ChunkScore[]> = fc.array(
  fc.record({ nats: fc.double({ min: 0, max: 5000, noNaN: true }), targets: fc.integer({ min: 1, max: 2000 }) }),
  { minLength: 1, maxLength: 20 },
);

describe('aggregate', () => {
  test.prop([someScores])('is exp of the mean of the chunks’ means', (scores) => {
    const { nll, ppl, scoredTokens } = aggregate(anyChunks, scores);
    const mean = scores.map(({ nats, targets }) => nats / targets).reduce((a, b) => a + b) / scores.length;
    expect(nll).toBeCloseTo(mean, 9);
    expect(ppl).toBe(Math.exp(nll));
    expect(scoredTokens).toBe(scores.reduce((sum, { targets }) => sum + targets, 0));
  });

  test.prop([someScores, fc.integer({ min: 1, max: 100 })])(
    'over chunks of equal length is the mean over tokens',
    (...drawn) => {
      const [scores, targets] = drawn;
      const equal = scores.map(({ nats }) => ({ nats, targets }));
      const tokens = equal.length * targets;
      expect(aggregate(anyChunks, equal).nll).toBeCloseTo(equal.reduce((sum, { nats }) => sum + nats, 0) / tokens, 8);
    },
  );

  it('has a standard error over chunks, where there are two or more', () => {
    const scores = [2, 4, 4, 4, 5, 5, 7, 9].map((mean) => ({ nats: 10 * mean, targets: 10 }));
    // Mean 5, squared differences 32 in all: √(32 / 7 / 8).
    expect(aggregate(anyChunks, scores).standardError).toBeCloseTo(Math.sqrt(32 / 56), 12);
    expect(aggregate(anyChunks, scores.slice(0, 1)).standardError).toBeNull();
  });

  it('has bits per byte where bytes are known: all nats over all bytes', () => {
    const scores = [
      { nats: 6 * Math.LN2, targets: 3 },
      { nats: 2 * Math.LN2, targets: 1 },
    ];
    expect(aggregate(withBytes(16), scores).bitsPerByte).toBeCloseTo(0.5, 12);
    expect(aggregate(withBytes(null), scores).bitsPerByte).toBeNull();
    expect(aggregate(withBytes(0), scores).bitsPerByte).toBeNull();
  });

  test.prop([someScores, fc.nat()])('leaves out chunks without a target that counts', (scores, at) => {
    const empty = { nats: 0, targets: 0 };
    expect(aggregate(anyChunks, scores.toSpliced(at % (scores.length + 1), 0, empty))).toEqual(
      aggregate(anyChunks, scores),
    );
    expect(aggregate(anyChunks, [empty]).ppl).toBeNaN();
  });

  test.prop([someScores])('nats per token are all nats over all targets, whatever the chunks’ sizes', (scores) => {
    const [nats, targets] = scores.reduce(([a, b], score) => [a + score.nats, b + score.targets], [0, 0]);
    expect(aggregate(anyChunks, scores).natsPerToken).toBeCloseTo(nats / targets, 9);
  });
});

describe('perplexity', () => {
  let model: Transformer;
  beforeAll(async () => ({ model } = await tinyTransformer()));

  const settings = someCut.map((cut): Cut => ({ ...cut, length: Math.min(cut.length, 60) }));
  const cutStream = ({ length, ...cut }: Cut, padTokenId: number | null): Chunks => {
    const ids = Array.from({ length }, (_, index) => (index * 7) % TINY_VOCAB);
    return chunkData('x', { kind: 'ids', ids }, { ...model.config, padTokenId }, null, settingsOf(cut));
  };

  test.prop([settings, fc.integer({ min: 2, max: 9 }), someMask(2)], { numRuns: 20 })(
    'does not depend on how many chunks are scored at a time, to the bit',
    async (cut, groupSize, mask) => {
      const chunks = cutStream(cut, null);
      const oneByOne: ChunkScore[][] = [];
      const want = await perplexity(model, chunks, mask, 1, (scores) => void oneByOne.push([...scores]));
      const grouped: ChunkScore[][] = [];
      expect(await perplexity(model, chunks, mask, groupSize, (scores) => void grouped.push([...scores]))).toEqual(
        want,
      );
      expect(grouped.at(-1)).toEqual(oneByOne.at(-1));
      expect(grouped).toHaveLength(Math.ceil(chunks.ids.length / groupSize));
      expect(want.ppl).toBeGreaterThanOrEqual(1);
    },
  );

  test.prop([settings, fc.option(fc.integer({ min: 1, max: TINY_VOCAB - 1 }))], { numRuns: 20 })(
    'is the mean over chunks of what the model says of each target that counts',
    async (cut, padTokenId) => {
      const chunks = cutStream(cut, padTokenId);
      const firstScored = (index: number): number => (index === 0 ? 1 : cut.chunk - cut.stride);
      const means: number[] = [];
      for (const [index, ids] of chunks.ids.entries()) {
        const [nll] = await model.nll([ids], Mask.empty);
        const counted = [...nll].filter((_, t) => t + 1 >= firstScored(index) && ids[t + 1] !== padTokenId);
        means.push(counted.reduce((a, b) => a + b, 0) / counted.length);
      }
      const { nll } = await perplexity(model, chunks, Mask.empty);
      expect(nll).toBeCloseTo(means.reduce((a, b) => a + b, 0) / means.length, 9);
    },
  );

  it('of equal logits is V', async () => {
    const even = await tinyTransformer({ edit: (tensors) => tensors.get('lm_head.weight')?.data.fill(0) });
    const { ppl } = await perplexity(
      even.model,
      cutStream({ length: 50, chunk: 10, stride: 5, bos: 'none' }, null),
      Mask.empty,
    );
    expect(ppl).toBeCloseTo(TINY_VOCAB, 4);
  });

  it.each<[string, TinyOptions, RegExp]>([
    [
      'a weight is NaN',
      { edit: poke('model.layers.1.mlp.down_proj.weight', 5, NaN) },
      /loss of chunk 1 of 9 is NaN: in L1\.mlp, tensor 'model\.layers\.1\.mlp\.down_proj\.weight' holds NaN/,
    ],
    ['losses are too large for exp', loud(3, 1e6), /mean loss of \d+ nats is too large for a perplexity/],
  ])('of a whole model of which %s is an error that says where, not a figure', async (_, tinyOptions, message) => {
    const unsound = await tinyTransformer(tinyOptions);
    const chunks = cutStream({ length: 50, chunk: 10, stride: 5, bos: 'none' }, null);
    for (const groupSize of [1, 4]) {
      const failed = await perplexity(unsound.model, chunks, Mask.empty, groupSize).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(NonFiniteError);
      expect(String(failed)).toMatch(message);
    }
  });

  it('without some blocks may be NaN, which is a result', async () => {
    const unsound = await tinyTransformer(cancelling);
    const chunks = cutStream({ length: 50, chunk: 10, stride: 5, bos: 'none' }, null);
    expect((await perplexity(unsound.model, chunks, Mask.parse('L0.mlp', layersOf(2)))).ppl).toBeNaN();
    expect((await perplexity(unsound.model, chunks, Mask.empty)).ppl).toBeGreaterThan(1);
  });
});

test.prop([someCut, seeds])('overlapping chunks add up to the nats of the stream, each target once', (drawn, seed) => {
  const { length, chunk, stride } = drawn;
  fc.pre(stride < chunk);
  const ids = Array.from({ length }, (_, index) => index);
  const chunks = chunkData('x', { kind: 'ids', ids }, tiny, null, settingsOf({ chunk, stride, bos: 'none' }));
  const nll = normals(seed, length).map(Math.abs);
  const scores = chunks.ids.map((row, index) => scoreChunk(chunks, index, nll.subarray(row[1], row[1] + chunk - 1)));
  const total = nll.subarray(1, length - chunks.droppedTokens).reduce((sum, nats) => sum + nats, 0);
  expect(scores.reduce((sum, { nats }) => sum + nats, 0)).toBeCloseTo(total, 3);
});
