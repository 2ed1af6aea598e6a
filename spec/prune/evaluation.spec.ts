/** `--eval`: the held-out text is measured on the dense model and on what every step leaves. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { DataError, NonFiniteError } from '../../src/errors.ts';
import { changeFigures, figures } from '../../src/eval/figures.ts';
import { pairedDifference } from '../../src/eval/paired.ts';
import { aggregate, perplexity, type ChunkScore } from '../../src/eval/perplexity.ts';
import { Mask } from '../../src/model/mask.ts';
import type { Transformer } from '../../src/model/transformer.ts';
import { methods } from '../../src/prune/methods/all.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { run, type RunOptions } from '../../src/prune/run.ts';
import { seeds } from '../arbitraries.ts';
import { families } from '../model/tinyTransformer.ts';
import { poke } from '../model/nonFiniteModels.ts';
import { finish, lasting, repairRun } from './repair/repairRun.ts';
import { budgets, timeless, tinyRun } from './tinyRun.ts';
import { drain, tinyChunks } from './tinySearch.ts';

/** More than one piece of the journal, and another length than the calibration text's. */
const TEXT = { name: 'held-out.txt', chunks: tinyChunks(8, 5, 11) };
const gradients: RunOptions['gradients'] = () => Promise.resolve(referenceBackend());

/** A document without what `--eval` added to it. */
function withoutEvaluation(result: PruneResult): object {
  const steps = result.steps.map((step) => without(step, 'evaluation'));
  return without({ ...lasting(result), steps }, 'evaluation');
}

function without(object: object, name: string): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}

async function scoresOf(model: Transformer, removed: string): Promise<ChunkScore[]> {
  let found: readonly ChunkScore[] = [];
  await perplexity(model, TEXT.chunks, Mask.parse(removed, model.config), 1, (scores) => void (found = [...scores]));
  return [...found];
}

/** Each step's figures are those of its model, measured from scratch. */
async function expectMeasured(model: Transformer, { steps, evaluation }: PruneResult): Promise<void> {
  const dense = await scoresOf(model, '');
  expect(evaluation?.dense).toEqual(figures(aggregate(TEXT.chunks, dense)));
  const gone: string[] = [];
  for (const step of steps) {
    gone.push(step.removed ?? '');
    const scores = await scoresOf(model, gone.join(','));
    expect(step.evaluation).toEqual({
      ...figures(aggregate(TEXT.chunks, scores)),
      change: changeFigures(pairedDifference(TEXT.chunks, scores, dense)),
    });
  }
}

describe('a run with a held-out text', () => {
  it.each(methods.map((method) => [method.name, method] as const))(
    '%s: removes what it removes without, and measures every step',
    async (_, method) => {
      const plain = (await drain(run((await tinyRun(undefined, { method, gradients })).options))).result;
      const { options } = await tinyRun(undefined, { method, gradients, evaluation: TEXT });
      const { result } = await drain(run(options));
      expect(withoutEvaluation(result)).toEqual(lasting(plain));
      expect(result.steps.length).toBeGreaterThan(1);
      await expectMeasured(options.model, result);
      expect(result.evaluation).toMatchObject({ of: 'pruned', data: { name: TEXT.name, chunks: 5 } });
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
      expect(plain).not.toHaveProperty('evaluation');
      expect(plain.steps[0]).not.toHaveProperty('evaluation');
    },
  );

  test.prop([fc.constantFrom(...families), seeds], { numRuns: 5 })(
    'also in a race and of layers, whatever the family',
    async (family, seed) => {
      const kinds: Partial<RunOptions>[] = [
        { race: { confidence: 0.9, seed: 0 } },
        { kind: 'layer', stop: { blocks: 2 } },
      ];
      for (const kind of kinds) {
        const { options } = await tinyRun(undefined, { ...kind, evaluation: TEXT }, { family, seed });
        const { result } = await drain(run(options));
        await expectMeasured(options.model, result);
      }
    },
  );

  it('a step that removes nothing has no figure of it', async () => {
    const stop = { blocks: 3 };
    const { options } = await tinyRun(undefined, { evaluation: TEXT, stop }, { layers: 2 });
    const { result, events } = await drain(run(options));
    expect(result.steps.every(({ evaluation }) => evaluation !== undefined)).toBe(true);
    // The dense model first, then each step: the share done begins anew with each of them.
    expect(events.filter((event) => event.type === 'evaluating' && event.fraction === 0)).toHaveLength(4);
    expect(events.findIndex(({ type }) => type === 'evaluating')).toBeLessThan(
      events.findIndex(({ type }) => type === 'progress'),
    );
  });

  it('groups and memory change nothing', async () => {
    const found = await Promise.all(
      budgets.map(async (activationBytes) => {
        const chunks = tinyChunks(3, 300, 8);
        const evaluation = { name: 'long.txt', chunks };
        const { options } = await tinyRun(undefined, { evaluation, activationBytes, stop: { blocks: 1 } });
        return lasting((await drain(run(options))).result);
      }),
    );
    for (const other of found) expect(other).toEqual(found[0]);
  });

  it('killed after any line, it goes on to the same bits and lines', async () => {
    const straight = await repairRun(null, { evaluation: { ...TEXT, chunks: tinyChunks(8, 400, 11) } });
    const { evaluation } = straight.options;
    const expected = lasting((await finish(straight)).result);
    const lines = straight.sink.all;
    expect(lines.filter((line) => line.includes('"key":"evaluation: ')).length).toBeGreaterThan(6);
    for (let kept = 0; kept <= lines.length; kept++) {
      const again = await repairRun(null, { evaluation }, { lines: lines.slice(0, kept) });
      expect(lasting((await finish(again)).result), `after ${kept} lines`).toEqual(expected);
      expect(timeless(again.sink.all), `after ${kept} lines`).toEqual(timeless(lines));
    }
  });

  it('a finished run is measured on a text without searching again, and on no text twice', async () => {
    const plain = await repairRun(null);
    const before = lasting((await finish(plain)).result);
    const added = await repairRun(null, { evaluation: TEXT }, { lines: plain.sink.all });
    const { events, result } = await finish(added);
    expect(events.some(({ type }) => type === 'progress')).toBe(false);
    expect(withoutEvaluation(result)).toEqual(before);
    const fresh = await repairRun(null, { evaluation: TEXT });
    expect(lasting(result)).toEqual(lasting((await finish(fresh)).result));
    const again = await repairRun(null, { evaluation: TEXT }, { lines: added.sink.all });
    const second = await finish(again);
    expect(second.events.some(({ type }) => type === 'evaluating')).toBe(false);
    expect(again.sink.all).toEqual(added.sink.all);
    const other = await repairRun(
      null,
      { evaluation: { ...TEXT, chunks: tinyChunks(9, 5, 11) } },
      { lines: added.sink.all },
    );
    expect((await finish(other)).result.evaluation?.dense.ppl).not.toBe(result.evaluation?.dense.ppl);
  });

  it('abandoned anywhere, it leaves nothing on the backend', async () => {
    const { events } = await finish(await repairRun({ when: 'each' }, { evaluation: TEXT }));
    for (let after = 1; after <= events.length; after++) {
      const { options } = await repairRun({ when: 'each' }, { evaluation: TEXT });
      let seen = 0;
      for await (const _ of run(options)) if (++seen === after) break;
      options.model.free();
      expect(options.model.backend.bytesInUse(), `after ${after} events`).toBe(0);
    }
  });
});

describe('with repair', () => {
  it('at the end, steps are as pruned, and the result is measured on the same text', async () => {
    const job = await repairRun({ when: 'end' }, { evaluation: TEXT });
    const { result } = await finish(job);
    const last = result.steps[result.steps.length - 1].evaluation;
    expect(result.evaluation?.of).toBe('pruned');
    expect(last).toMatchObject(result.repair?.evaluation?.pruned ?? {});
    expect(result.repair?.evaluation?.dense).toEqual(result.evaluation?.dense);
    expect(result.repair?.evaluation?.repaired.ppl).not.toBe(last?.ppl);
  });

  it('in the loop, a step is measured as it leaves the model: repaired', async () => {
    for (const blocks of [1, 2, 3]) {
      const job = await repairRun({ when: 'each' }, { evaluation: TEXT, stop: { blocks } });
      const { result } = await finish(job);
      const last = result.steps[result.steps.length - 1].evaluation;
      expect(result.evaluation?.of).toBe('repaired');
      expect(last).toMatchObject(result.repair?.evaluation?.repaired ?? {});
      expect(result.repair?.evaluation?.pruned.ppl).not.toBe(last?.ppl);
    }
  });

  it('in the loop and down to the last block, where nothing is left to repair with', async () => {
    const job = await repairRun({ when: 'each' }, { evaluation: TEXT, stop: { blocks: 6 } });
    const { options } = await repairRun(null);
    const { result } = await finish(job);
    const bare = await scoresOf(options.model, result.removed.join(','));
    expect(result.steps[5].evaluation?.ppl).toBe(aggregate(TEXT.chunks, bare).ppl);
  });
});

describe('a held-out text that cannot be measured', () => {
  it('has no chunk: refused before a journal is begun', async () => {
    const job = await repairRun(null, { evaluation: { name: 'empty.txt', chunks: { ...TEXT.chunks, ids: [] } } });
    await expect(finish(job)).rejects.toThrow(DataError);
    expect(job.sink.all).toEqual([]);
  });

  it('makes the dense loss infinite: said before the search', async () => {
    // Token 36 stands in the held-out text alone.
    const edit = poke('model.embed_tokens.weight', 36 * 16, Infinity);
    const ids = (chunks: typeof TEXT.chunks, token: number): typeof TEXT.chunks => {
      return { ...chunks, ids: chunks.ids.map((chunk) => chunk.map((id) => (id === 36 ? token : id))) };
    };
    const chunks = ids(tinyChunks(3, 3, 8), 0);
    const tied = { config: { tie_word_embeddings: false }, edit };
    const evaluation = { name: 'bad.txt', chunks: { ...TEXT.chunks, ids: [Int32Array.from([1, 36, 2, 3])], chunk: 4 } };
    const job = await tinyRun(undefined, { chunks, evaluation }, tied);
    await expect(drain(run(job.options))).rejects.toThrow(NonFiniteError);
    const good = await tinyRun(undefined, { chunks, evaluation: { ...evaluation, chunks } }, tied);
    await expect(drain(run(good.options))).resolves.toBeDefined();
  });
});
