import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { hashParameters, readParameters } from '../../src/autodiff/parameters.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { memoryCheckpoint, type CheckpointStore } from '../../src/train/checkpoint.ts';
import { healRun, type HealDocument, type HealEvent, type HealJob } from '../../src/train/healRun.ts';
import { seeds } from '../arbitraries.ts';
import { tinySource, TINY_VOCAB } from '../model/tinyTransformer.ts';
import { wrappedSource } from '../model/wrappedSource.ts';
import { drain, tinyChunks } from '../prune/tinySearch.ts';

const STEPS = 3;

interface Healing {
  job: HealJob;
  kept: WeightSource[];
  closed: () => number;
}

/** The healing of a tiny model, kept in memory. */
async function healing(seed: number, other: Partial<HealJob> = {}): Promise<Healing> {
  const kept: WeightSource[] = [];
  let closed = 0;
  const rng = seededRng(seed);
  const job: HealJob = {
    source: await tinySource({ seed }),
    mask: Mask.of([{ layer: 1, kind: 'mlp' }]),
    backend: referenceBackend(),
    text: {
      name: 'train.txt',
      stream: Int32Array.from({ length: 80 }, () => rng.int(TINY_VOCAB)),
      seqLen: 6,
      hash: 'h',
    },
    measure: { name: 'valid.txt', chunks: tinyChunks(seed, 2, 6), nllSum: 'f64' },
    settings: { steps: STEPS, rank: 2, alpha: 4, lr: 0.01, sequences: 2, accumulate: 2, seed },
    version: '9.9.9',
    newHasher: nodeHasher,
    keep: (weights) => {
      kept.push(weights);
      return Promise.resolve({
        weights,
        close() {
          closed++;
          return Promise.resolve();
        },
      });
    },
    ...other,
  };
  return { job, kept, closed: () => closed };
}

function timeless(document: HealDocument): HealDocument {
  return { ...document, seconds: 0 };
}

describe('healRun', () => {
  it('measures, trains, keeps and measures what it kept, and says how in its document', async () => {
    const { job, kept, closed } = await healing(1);
    const { events, result } = await drain(healRun(job));
    const steps = Array.from({ length: STEPS }, () => 'step');
    expect(events.map((event) => (event.type === 'scored' ? event.model : event.type))).toEqual(
      ['dense', 'pruned', 'start', steps, 'saved', 'done', 'healed'].flat(),
    );
    expect([kept.length, closed()]).toEqual([1, 1]);
    expect(job.backend.bytesInUse()).toBe(0);
    const ppl = async (weights: WeightSource, mask: Mask): Promise<number> =>
      (await perplexity(await Transformer.load(weights, referenceBackend(), 2 ** 24), job.measure.chunks, mask)).ppl;
    expect([result.dense.ppl, result.pruned.ppl, result.healed.ppl]).toEqual([
      await ppl(job.source, Mask.empty),
      await ppl(job.source, job.mask),
      await ppl(kept[0], job.mask),
    ]);
    // Removed blocks add zero: without the mask it is the same model.
    expect(await ppl(kept[0], Mask.empty)).toBe(result.healed.ppl);
    expect(result).toMatchObject({
      schema: 'blockpruner.heal/1',
      version: '9.9.9',
      mask: 'L1.mlp',
      trainedOn: 'train.txt',
      measuredOn: 'valid.txt',
      lora: { rank: 2, alpha: 4 },
      contentHash: hashParameters(await readParameters(kept[0]), nodeHasher()),
    });
    expect(Object.keys(result)).toEqual(
      (
        'schema version model contentHash mask ratios trainedOn measuredOn convention lora settings ' +
        'dense pruned healed recovered backend seconds'
      ).split(' '),
    );
  });

  test.prop([seeds, fc.nat(12)], { numRuns: 8 })(
    'left anywhere and begun again from its checkpoint comes to the same document',
    async (seed, leaveAt) => {
      const wanted = await drain(healRun((await healing(seed)).job));
      const checkpoint: CheckpointStore = memoryCheckpoint();
      const { job, kept, closed } = await healing(seed, { checkpoint });
      let seen = 0;
      for await (const event of healRun(job)) if (event.type !== 'warning' && seen++ === leaveAt) break;
      expect(job.backend.bytesInUse()).toBe(0);
      expect(closed()).toBe(kept.length);
      const again = await drain(healRun((await healing(seed, { checkpoint })).job));
      expect(timeless(again.result)).toEqual(timeless(wanted.result));
    },
  );

  it('refuses the checkpoint of another mask', async () => {
    const checkpoint = memoryCheckpoint();
    await drain(healRun((await healing(1, { checkpoint })).job));
    const other = await healing(1, { checkpoint, mask: Mask.of([{ layer: 0, kind: 'mha' }]) });
    await expect(drain(healRun(other.job))).rejects.toThrow(/belongs to a run with another recipe/);
  });

  it.each([
    ['before the training', 0, ['dense', 'pruned']],
    ['after it', 1, ['dense', 'pruned', 'start', 'step', 'step', 'step', 'saved', 'done']],
  ])('stops where the model was replaced, %s', async (_, calls, seen) => {
    let left = calls;
    const { job, kept } = await healing(2);
    const source = wrappedSource(job.source, {
      assertUnchanged: () => (left-- > 0 ? Promise.resolve() : Promise.reject(new Error('replaced'))),
    });
    const events: HealEvent[] = [];
    const run = async (): Promise<void> => {
      for await (const event of healRun({ ...job, source })) events.push(event);
    };
    await expect(run()).rejects.toThrow('replaced');
    expect(events.map((event) => (event.type === 'scored' ? event.model : event.type))).toEqual(seen);
    expect(kept).toEqual([]);
  });

  it('says in which convention it measured, and measures so', async () => {
    // Over a vocabulary so large that the two sums differ.
    const { job } = await healing(3, { source: await tinySource({ config: { vocab_size: 5000 } }) });
    const f32 = { ...job, measure: { ...job.measure, nllSum: 'f32' as const } };
    const [one, other] = [await drain(healRun(job)), await drain(healRun(f32))];
    expect(other.result.convention.text).not.toBe(one.result.convention.text);
    expect(other.result.dense.nll).not.toBe(one.result.dense.nll);
    expect(other.result.dense.nll).toBeCloseTo(one.result.dense.nll ?? NaN, 4);
  });

  it('closes what it kept also where that cannot be measured', async () => {
    const { job, closed } = await healing(4);
    const broken = {
      ...job,
      keep: async (weights: WeightSource) => {
        const { close } = await job.keep(weights);
        return { weights: wrappedSource(weights, { tensor: () => Promise.reject(new Error('gone')) }), close };
      },
    };
    await expect(drain(healRun(broken))).rejects.toThrow('gone');
    expect(closed()).toBe(1);
  });
});
