/**
 * A step's change and margin are those of its models measured from scratch, in every kind of
 * search.
 */
import { describe, expect, it } from 'vitest';
import type { ConventionName } from '../../src/eval/namedConvention.ts';
import { changeFigures } from '../../src/eval/figures.ts';
import { pairedDifference } from '../../src/eval/paired.ts';
import { perplexity, type ChunkScore } from '../../src/eval/perplexity.ts';
import { Mask } from '../../src/model/mask.ts';
import type { Transformer } from '../../src/model/transformer.ts';
import { requireMethod } from '../../src/prune/methods/all.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import type { RunOptions } from '../../src/prune/run.ts';
import { documentOf, tinyRun } from './tinyRun.ts';
import { tinyChunks } from './tinySearch.ts';

const chunks = tinyChunks(7, 6, 20);

async function scoresOf(
  model: Transformer,
  of: RunOptions['chunks'],
  removed: readonly string[],
): Promise<ChunkScore[]> {
  let found: readonly ChunkScore[] = [];
  const mask = Mask.parse(removed.join(','), model.config);
  await perplexity(model, of, mask, 1, (scores) => void (found = [...scores]));
  return [...found];
}

async function searched(
  more: Partial<RunOptions>,
): Promise<{ model: Transformer; result: Omit<PruneResult, 'seconds'> }> {
  const { options } = await tinyRun(undefined, { chunks, activationBytes: 2 ** 20, ...more });
  return { model: options.model, result: await documentOf(options) };
}

const kinds: [string, Partial<RunOptions>][] = [
  ['an exact search', {}],
  ['a search of layers', { kind: 'layer' }],
  ['a race', { race: { confidence: 0.9, seed: 1 } }],
  ['an order decided beforehand', { method: requireMethod('random'), settings: { seed: 2 } }],
  ...(['token-mean', 'llama.cpp'] as ConventionName[]).map((convention): [string, Partial<RunOptions>] => [
    `${convention}, with a stride where it has one`,
    { chunks: { ...chunks, convention, stride: convention === 'token-mean' ? 5 : 20 } },
  ]),
];

describe('the steps of', () => {
  it.each(kinds)('%s tell their change and margin', async (_, more) => {
    const { model, result } = await searched(more);
    const of = more.chunks ?? chunks;
    const dense = await scoresOf(model, of, []);
    const gone: string[] = [];
    for (const { removed, ppl, change, runnerUp } of result.steps) {
      const pick = await scoresOf(model, of, [...gone, removed ?? '']);
      expect(change).toEqual(changeFigures(pairedDifference(of, pick, dense)));
      expect(change?.nats).toBeCloseTo(Math.log((ppl ?? NaN) / (result.dense.ppl ?? NaN)), 9);
      expect(change?.natsError).toBeGreaterThan(0);
      if (runnerUp !== null && runnerUp !== undefined) {
        const second = await scoresOf(model, of, [...gone, runnerUp.block]);
        expect(runnerUp.margin).toEqual(changeFigures(pairedDifference(of, second, pick)));
        expect(runnerUp.margin?.nats).toBeGreaterThanOrEqual(0);
      }
      gone.push(removed ?? '');
    }
    const choice = result.steps.some(({ runnerUp }) => runnerUp !== null);
    expect(choice).toBe(result.method?.name !== 'random');
  });

  it('two chunks have a change and no error of it', async () => {
    const { result } = await searched({ chunks: tinyChunks(7, 2, 20) });
    for (const { change } of result.steps) {
      expect(change).toMatchObject({ natsError: null, percentError: null, percent: expect.any(Number) });
    }
  });
});
