/**
 * The pricer of this process, and two others through the same door: all give a search the same
 * bits.
 */
import { describe, expect, it } from 'vitest';
import { aggregate, scoreChunk } from '../../../src/eval/perplexity.ts';
import { Mask } from '../../../src/model/mask.ts';
import { candidatesLeft } from '../../../src/prune/candidates.ts';
import { localPricer } from '../../../src/prune/pricing/localPricer.ts';
import { checkGroup, type Priced, type Pricer } from '../../../src/prune/pricing/pricer.ts';
import { segmentNats } from '../../../src/prune/race/raceSegments.ts';
import { layersOf } from '../../model/layers.ts';
import { tinyTransformer } from '../../model/tinyTransformer.ts';
import { drain, tinyChunks } from '../tinySearch.ts';
import { pricerSuite, type MakePricer } from './pricerSuite.ts';

/** Each mask from scratch, as the naive search does. */
const plainPricer: MakePricer = (model, chunks, groupSize) => ({
  variant: model.backend.variant,
  groupSize,
  async *price({ mask, candidates, chunks: group, segments }) {
    checkGroup(group, groupSize, chunks.ids.length);
    const ids = group.map((index) => chunks.ids[index]);
    const rows: Float32Array[][] = [];
    for (const without of [mask, ...candidates.map(({ blocks }) => mask.with(blocks))]) {
      rows.push(await model.nll(ids, without));
      yield { share: rows.length / (candidates.length + 1), kept: 0 };
    }
    const [base, ...scores] = rows.map((own) => own.map((nll, at) => scoreChunk(chunks, group[at], nll)));
    const sums = rows.slice(1).map((own) => own.map((nll, at) => segmentNats(chunks, group[at], nll)));
    return { base, scores, ...(segments === true ? { segments: sums } : {}), chunkPasses: 0, seconds: 0 };
  },
  close() {},
});

/** A job's candidates shared out between two pricers, as between two workers. */
const splitPricer: MakePricer = (model, chunks, groupSize) => {
  const workers: Pricer[] = [1, 2].map(() => localPricer(model, chunks, { groupSize, checkpointBytes: 2 ** 20 }));
  return {
    variant: model.backend.variant,
    groupSize,
    async *price(job) {
      const half = Math.ceil(job.candidates.length / 2);
      const answers: Priced[] = [];
      for (const [at, worker] of workers.entries()) {
        const candidates = at === 0 ? job.candidates.slice(0, half) : job.candidates.slice(half);
        answers.push((await drain(worker.price({ ...job, candidates }))).result);
        yield { share: (at + 1) / 2, kept: 0 };
      }
      const [one, two] = answers;
      return {
        base: one.base,
        scores: [...one.scores, ...two.scores],
        ...(one.segments && two.segments ? { segments: [...one.segments, ...two.segments] } : {}),
        chunkPasses: one.chunkPasses + two.chunkPasses,
        seconds: one.seconds + two.seconds,
      };
    },
    async close() {
      for (const worker of workers) await worker.close();
    },
  };
};

pricerSuite('this process', (model, chunks, groupSize) => localPricer(model, chunks, { groupSize }));
pricerSuite('this process, which keeps streams from step to step,', (model, chunks, groupSize) =>
  localPricer(model, chunks, { groupSize, checkpointBytes: 2 ** 20 }),
);
pricerSuite('the plain evaluator', plainPricer);
pricerSuite('a pair of workers', splitPricer);

describe('what this process keeps', () => {
  it('serves the next step, within its budget, however groups are cut anew', async () => {
    const { model } = await tinyTransformer({ layers: 4, seed: 3 });
    const chunks = tinyChunks(3, 4, 6);
    await model.nll(chunks.ids, Mask.empty);
    const before = model.backend.bytesInUse();
    const checkpointBytes = 60 * 2 * 6 * model.config.hiddenSize * 4;
    const pricer = localPricer(model, chunks, { groupSize: 2, checkpointBytes });
    const price = async (mask: Mask, group: readonly number[]): Promise<Priced> =>
      (await drain(pricer.price({ mask, candidates: candidatesLeft('mix', layersOf(4), mask), chunks: group }))).result;
    const fresh = await price(Mask.empty, [0, 1]);
    const later = await price(Mask.parse('L3.mha', layersOf(4)), [0, 1]);
    expect(later.chunkPasses).toBeLessThan(fresh.chunkPasses / 2);
    for (const group of [[0, 2], [1, 3], [3], [2, 0], [0], [1, 2]]) {
      await price(Mask.empty, group);
      expect(model.backend.bytesInUse() - before).toBeLessThanOrEqual(checkpointBytes);
    }
    await pricer.close();
    expect(model.backend.bytesInUse()).toBe(before);
  });

  it('counts passes as chunk passes: each block pass once a chunk', async () => {
    const { model } = await tinyTransformer({ layers: 5 });
    const chunks = tinyChunks(1, 3, 3);
    const pricer = localPricer(model, chunks, { groupSize: 3 });
    const candidates = candidatesLeft('mix', layersOf(5), Mask.empty);
    const { result } = await drain(pricer.price({ mask: Mask.empty, candidates, chunks: [0, 1, 2] }));
    expect(result.chunkPasses).toBe(3 * ((10 * 11) / 2));
    expect(aggregate(chunks, result.base).ppl).toBeGreaterThan(1);
  });
});
