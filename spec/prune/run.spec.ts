import { describe, expect, it } from 'vitest';
import { JournalMismatchError, MemoryBudgetError, NonFiniteError, UsageError } from '../../src/errors.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { Mask } from '../../src/model/mask.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { pruneKinds } from '../../src/prune/candidates.ts';
import { ratios } from '../../src/prune/ratios.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { run, type RunOptions } from '../../src/prune/run.ts';
import { layersOf } from '../model/layers.ts';
import { cancelling, loud, poke } from '../model/nonFiniteModels.ts';
import type { TinyOptions } from '../model/tinyTransformer.ts';
import { budgets, documentOf, tinyRun } from './tinyRun.ts';
import { drain, reference, simdBackends, tinyChunks } from './tinySearch.ts';

const finish = async (options: RunOptions): Promise<PruneResult> => (await drain(run(options))).result;

describe('the result document', () => {
  it('says what was pruned, how it was measured, and what came out', async () => {
    const { options } = await tinyRun();
    const { model, chunks } = options;
    const result = await finish(options);
    const dense = await perplexity(model, chunks, Mask.empty);
    const counts = countParameters(model.source);
    expect(result).toMatchObject({
      schema: 'blockpruner.prune/1',
      version: '0.0.0',
      model: {
        name: model.source.name,
        family: 'llama',
        numHiddenLayers: 2,
        blocks: 4,
        parameters: counts.total,
        blockParameters: counts.blocks,
        contentHash: await model.source.contentHash(nodeHasher()),
      },
      data: { name: 'tiny.txt', chunks: 3, scoredTokens: 21, ignoredTokens: 0, droppedTokens: 0 },
      convention: {
        chunk: 8,
        stride: 8,
        bos: 'none',
        join: '\n\n',
        aggregation: 'mean of chunk means',
        ignoredId: null,
      },
      backend: 'reference (f64 accumulation)',
      kind: 'mix',
      stop: { blocks: 4 },
      stoppedBy: 'blocks',
      dense: { ppl: dense.ppl, nll: dense.nll, standardError: dense.standardError, bitsPerByte: dense.bitsPerByte },
    });
    expect(result.convention.text).toContain('chunks of 8 tokens');
    expect(result.data.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(result.seconds).toBeGreaterThan(0);
    expect(result.sample).toEqual({
      prompt: expect.any(String),
      before: expect.any(String),
      after: expect.any(String),
    });
  });

  it('the work adds up over steps, and checkpoints lower what is done but change nothing else', async () => {
    const without = await finish((await tinyRun(memoryJournal())).options);
    const kept = await finish((await tinyRun(memoryJournal(), { checkpointBytes: 2 ** 20 })).options);
    for (const key of ['done', 'exact', 'naive'] as const) {
      expect(without.steps.reduce((sum, step) => sum + step.work[key], 0)).toBe(without.work[key]);
    }
    // Sweeps over 4, 3, 2 and 1 blocks: 10 + 6 + 3 + 1 passes; from scratch 12 + 6 + 2 + 0. Three
    // chunks of eight tokens.
    expect(without.work).toEqual({ done: 20 * 24, exact: 20 * 24, naive: 20 * 24 });
    expect(kept.work.done).toBeLessThan(kept.work.exact);
    const timeless = (result: PruneResult): unknown => {
      const steps = result.steps.map((step) => ({ ...step, work: step.work.exact }));
      return { ...result, steps, work: result.work.exact, seconds: 0 };
    };
    expect(timeless(kept)).toEqual(timeless(without));
  });

  it.each(pruneKinds)('%s: every step stands for a mask that scores as it says', async (kind) => {
    const { options } = await tinyRun(memoryJournal(), { kind, stop: { ratio: 0.999 } });
    const { model, chunks } = options;
    const result = await finish(options);
    const counts = countParameters(model.source);
    let mask = Mask.empty;
    for (const [index, step] of result.steps.entries()) {
      mask = mask.with(Mask.parse(step.removed ?? '', layersOf(2)).blocks);
      const { ppl, standardError, bitsPerByte } = await perplexity(model, chunks, mask);
      expect(step).toMatchObject({ step: index + 1, ppl, standardError, bitsPerByte });
      expect(step.ratios).toEqual(ratios(counts, mask));
      expect(step.ratio).toBe(step.ratios.total);
      expect(step.candidates.find(({ block }) => block === step.removed)).toEqual({ block: step.removed, ppl });
    }
    expect(result.removed.join(',')).toBe(mask.toString());
    expect(result.steps).toHaveLength(kind === 'mix' ? 4 : 2);
  });

  it('without a tokenizer there is neither sample nor bits per byte', async () => {
    const { options } = await tinyRun(memoryJournal(), { tokenizer: null, chunks: tinyChunks(3, 1, 8) });
    const result = await finish(options);
    expect(result.sample).toBeNull();
    expect(result.dense).toMatchObject({ bitsPerByte: null, standardError: null });
    for (const step of result.steps) expect(step).toMatchObject({ bitsPerByte: null, standardError: null });
  });

  it('holds no number that JSON cannot: every candidate is infinite', async () => {
    const { options } = await tinyRun(memoryJournal(), { tokenizer: null }, loud(86, 470));
    const result = await finish(options);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result).toMatchObject({ stoppedBy: 'no finite candidate', removed: [] });
    expect(result.dense.ppl).toBeGreaterThan(1e100);
    expect(result.steps).toHaveLength(1);
    expect(result.steps[0]).toMatchObject({ removed: null, ppl: null, status: 'infinite', nearTie: null, ratio: 0 });
    const names = ['L0.mha', 'L1.mha', 'L0.mlp', 'L1.mlp'];
    expect(result.steps[0].candidates).toEqual(names.map((block) => ({ block, ppl: null, status: 'infinite' })));
  });

  it('holds no number that JSON cannot: one candidate is NaN', async () => {
    const { options } = await tinyRun(memoryJournal(), { stop: { blocks: 1 } }, cancelling);
    const result = await finish(options);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    const broken = result.steps[0].candidates.filter(({ status }) => status !== undefined);
    expect(broken).toEqual([{ block: 'L0.mlp', ppl: null, status: 'nan' }]);
    expect(result.removed[0]).not.toBe('L0.mlp');
  });

  it.each<[string, TinyOptions, RegExp]>([
    [
      'a weight is NaN',
      { edit: poke('model.layers.1.mlp.down_proj.weight', 5, NaN) },
      /loss of chunk \d of 3 is NaN: in L1\.mlp, tensor 'model\.layers\.1\.mlp\.down_proj\.weight' holds NaN \(row 0/,
    ],
    [
      'numbers overflow',
      { edit: (tensors) => tensors.get('model.layers.0.self_attn.o_proj.weight')?.data.fill(3e38) },
      /in L0\.mha, numbers overflow f32 in linear with 'model\.layers\.0\.self_attn\.o_proj\.weight'/,
    ],
    ['its perplexity overflows', loud(3, 1e6), /mean loss of \d+ nats is too large for a perplexity/],
  ])('does not search over a model of which %s, and says where', async (_, tiny, message) => {
    for (const race of [undefined, { confidence: 0.9, seed: 1 }]) {
      const sink = memoryJournal();
      const { options } = await tinyRun(sink, { race }, tiny);
      const failed = await finish(options).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(NonFiniteError);
      expect(String(failed)).toMatch(message);
      expect(options.model.backend.bytesInUse()).toBeGreaterThan(0);
      options.model.free();
      expect(options.model.backend.bytesInUse()).toBe(0);
    }
  });

  it('notes a tie', async () => {
    const edit: TinyOptions['edit'] = (tensors) => {
      for (const [name, { data }] of tensors) if (/o_proj|down_proj/.test(name)) data.fill(0);
    };
    const { options } = await tinyRun(memoryJournal(), {}, { edit });
    const [first, , , last] = (await finish(options)).steps;
    expect(first.nearTie).toEqual({ block: 'L1.mha', ppl: first.ppl });
    expect(last.nearTie).toBeNull();
  });
});

describe('a finished run', () => {
  it.each([1, 2])('answers from its journal and runs nothing (budget %i)', async (budget) => {
    const first = await tinyRun();
    const expected = await finish(first.options);
    expect(first.reads.length).toBeGreaterThan(0);
    const sink = memoryJournal((first.options.sink as ReturnType<typeof memoryJournal>).all);
    const again = await tinyRun(sink, { activationBytes: budgets[budget] });
    const { events, result } = await drain(run(again.options));
    // Every forward pass begins with reading embedding rows.
    expect(again.reads).toEqual([]);
    expect(events.some(({ type }) => type === 'progress')).toBe(false);
    expect(sink.all).toEqual(sink.lines);
    // The seconds too: they are those of the computing.
    expect(result).toEqual(expected);
  });

  it('answers for fewer blocks as well, but for the sample text', async () => {
    const first = await tinyRun();
    await finish(first.options);
    const sink = memoryJournal((first.options.sink as ReturnType<typeof memoryJournal>).all);
    const shorter = await tinyRun(sink, { stop: { blocks: 2 }, tokenizer: null });
    const straight = await tinyRun(memoryJournal(), { stop: { blocks: 2 }, tokenizer: null });
    expect(await documentOf(shorter.options)).toEqual(await documentOf(straight.options));
    expect(shorter.reads).toEqual([]);
  });
});

describe('a journal', () => {
  const journalOf = async (more: Partial<RunOptions> = {}, tiny: TinyOptions = {}): Promise<readonly string[]> => {
    const sink = memoryJournal();
    await finish((await tinyRun(sink, more, tiny)).options);
    return sink.all;
  };

  const given = tinyChunks(3, 3, 8);
  it.each<[string, Partial<RunOptions>, TinyOptions]>([
    ['weights', {}, { seed: 4 }],
    ['config', {}, { config: { rms_norm_eps: 1e-3 } }],
    ['tokens', { chunks: tinyChunks(4, 3, 8) }, {}],
    ['tokens', { chunks: { ...given, ids: given.ids.with(2, given.ids[2].with(7, 0)) } }, {}],
    ['settings', { kind: 'mha', stop: { blocks: 1 } }, {}],
    ['settings', { chunks: tinyChunks(3, 3, 8, { ignoredId: 3 }) }, {}],
    ['settings', { chunks: tinyChunks(3, 3, 8, { stride: 4 }) }, {}],
    ['settings', { chunks: tinyChunks(3, 3, 8, { bos: 'chunk' }) }, {}],
  ])('of a run with other %s is refused, naming that', async (what, more, tiny) => {
    const { options } = await tinyRun(memoryJournal(await journalOf()), more, tiny);
    await expect(finish(options)).rejects.toThrow(JournalMismatchError);
    await expect(finish(options)).rejects.toThrow(`other ${what}`);
  });

  it('of a run that keeps its sums over the vocabulary otherwise is refused', async () => {
    const { options } = await tinyRun(memoryJournal(await journalOf()));
    const model = await Transformer.load(options.model.source, options.model.backend, 2 ** 20, 'f32');
    await expect(finish({ ...options, model })).rejects.toThrow('other settings');
  });

  it('goes on under other threads, but not under another backend', async () => {
    const [variant] = simdBackends(1);
    if (variant === undefined) return;
    const backends = [await variant.make(), await simdBackends(3)[0].make()];
    const sink = memoryJournal();
    const one = await documentOf((await tinyRun(sink, {}, {}, backends[0])).options);
    const other = await tinyRun(memoryJournal(sink.all), {}, {}, backends[1]);
    expect(await documentOf(other.options)).toEqual({ ...one, backend: backends[1].description });
    expect(other.reads).toEqual([]);
    const third = await tinyRun(memoryJournal(sink.all), {}, {}, await reference.make());
    await expect(finish(third.options)).rejects.toThrow(/other backend \("simd .*", now reference\)/);
    for (const backend of backends) await backend.dispose();
  });

  it('is not begun when the run cannot be', async () => {
    const sink = memoryJournal();
    for (const [more, type] of [
      [{ stop: { blocks: 5 } }, UsageError],
      [{ activationBytes: 100 }, MemoryBudgetError],
    ] as const) {
      await expect(finish((await tinyRun(sink, more)).options)).rejects.toThrow(type);
    }
    expect(sink.all).toEqual([]);
  });
});

it('a journal of version 0.1 is gone on with, and said to be unchecked', async () => {
  const sink = memoryJournal();
  const whole = await documentOf((await tinyRun(sink)).options);
  const old = sink.all.map((line) => line.replace(/,"sum":"\w+"}$/, '}').replace('"version":2', '"version":1'));
  for (const kept of [1, 4, old.length]) {
    const { events, result } = await drain(run((await tinyRun(memoryJournal(old.slice(0, kept)))).options));
    expect(events[0]).toEqual({
      type: 'warning',
      message: expect.stringMatching(/^journal in memory: was begun by version 0\.1, whose lines carry no checksums/),
    });
    expect({ ...result, seconds: 0 }).toEqual({ ...whole, seconds: 0 });
  }
  const { events } = await drain(run((await tinyRun(memoryJournal(sink.all))).options));
  expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
});
