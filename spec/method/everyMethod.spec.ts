/**
 * What holds of every method in the list, whichever it is: a method that is added is tested here at
 * once.
 */
import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError, JournalMismatchError, UnsupportedBackendError, UsageError } from '../../src/errors.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { edited } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { candidatesLeft, pruneKinds, ratioBases } from '../../src/prune/candidates.ts';
import { methods, requireMethod } from '../../src/prune/methods/all.ts';
import { ratios } from '../../src/prune/ratios.ts';
import { renderReport } from '../../src/prune/report/report.ts';
import { run } from '../../src/prune/run.ts';
import { layersOf } from '../model/layers.ts';
import { families } from '../model/tinyTransformer.ts';
import { drain, tinyChunks } from '../prune/tinySearch.ts';
import { timeless } from '../prune/tinyRun.ts';
import { editsOf, finish, lasting, methodRun, resultOf } from './tinyMethod.ts';

it('names are unique, and as a shell takes them', () => {
  expect(new Set(methods.map(({ name }) => name)).size).toBe(methods.length);
  for (const { name, summary } of methods) {
    expect(name).toMatch(/^[a-z][a-z-]*$/);
    expect(requireMethod(name).name).toBe(name);
    expect(summary).toMatch(/^[a-z].{10,90}[^.]$/);
  }
  expect(() => requireMethod('oracle')).toThrow(
    /there is no method 'oracle'\. Give blockpruner, block-influence, .*, or a path/,
  );
});

describe.each(methods.map((method) => [method.name, method] as const))('%s', (name, method) => {
  it.each(pruneKinds)('removes what --kind %s allows, until all of it is gone', async (kind) => {
    const { options } = await methodRun(method, { kind, stop: { ratio: 0.9999, ratioOf: 'blocks' } });
    const result = await finish(options);
    const all = candidatesLeft(kind, layersOf(3), Mask.empty).map((candidate) => candidate.name);
    expect(result.steps.map((step) => step.removed).toSorted()).toEqual(all.toSorted());
    expect(result.stoppedBy).toBe(kind === 'mix' || kind === 'layer' ? 'ratio' : 'no candidate left');
    if (result.scores !== undefined) expect(result.scores.map(({ block }) => block)).toEqual(all);
  });

  it('measures each step as the mask alone measures, and its ratios add up', async () => {
    const { options } = await methodRun(method, { stop: { blocks: 4 } });
    const { model, chunks } = options;
    const result = await finish(options);
    const counts = countParameters(model.source);
    let mask = Mask.empty;
    expect(result.dense.ppl).toBe((await perplexity(model, chunks, mask)).ppl);
    for (const step of result.steps) {
      mask = mask.with(Mask.parse(step.removed ?? '', layersOf(3)).blocks);
      expect(step.ppl).toBe((await perplexity(model, chunks, mask)).ppl);
      expect(step.ratios).toEqual(ratios(counts, mask));
    }
    expect(result.removed.join(',')).toBe(mask.toString());
    expect(mask.size).toBe(4);
  });

  it('its edits, made to the weights, leave the perplexity that it measured, and that many parameters', async () => {
    for (const kind of ['mix', 'layer'] as const) {
      const { options } = await methodRun(method, { kind, stop: { blocks: 4 } });
      const { model, chunks } = options;
      const { edits, steps } = await editsOf(options);
      const source = edited(model.source, edits);
      const again = await Transformer.load(source, model.backend, 2 ** 20);
      expect((await perplexity(again, chunks, Mask.empty)).ppl).toBe(steps[steps.length - 1].ppl);
      const share = 1 - countParameters(source).total / countParameters(model.source).total;
      expect(share).toBeCloseTo(steps[steps.length - 1].ratios.total, 12);
    }
  });

  it.each(ratioBases)('stops at the first step whose share of %s is reached', async (ratioOf) => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0.05, max: 0.7, noNaN: true }), async (ratio) => {
        const { steps, stoppedBy } = await resultOf(method, { stop: { ratio, ratioOf } });
        const reached = steps.map((step) => step.ratios[ratioOf] >= ratio);
        expect(reached.indexOf(true)).toBe(stoppedBy === 'ratio' ? steps.length - 1 : -1);
        if (stoppedBy !== 'ratio') expect(steps).toHaveLength(6);
      }),
      { numRuns: 4 },
    );
  });

  it('stops before the perplexity limit is passed', async () => {
    const free = await resultOf(method, { stop: { blocks: 6 } });
    const worst = Math.max(...free.steps.map(({ ppl }) => ppl ?? 0));
    const maxPpl = (worst + (free.dense.ppl ?? 0)) / 2;
    const limited = await resultOf(method, { stop: { blocks: 6, maxPpl } });
    const passed = free.steps.findIndex(({ ppl }) => (ppl ?? 0) > maxPpl);
    expect(limited.steps).toEqual(passed < 0 ? free.steps : free.steps.slice(0, passed));
    expect(limited.stoppedBy).toBe(passed < 0 ? 'blocks' : 'max-ppl');
  });

  it.each(pruneKinds)('never removes what is protected, with --kind %s', async (kind) => {
    const protect = ['L1.mlp', 'L2.mha'];
    const { options } = await methodRun(method, { kind, protect, stop: { ratio: 0.9999, ratioOf: 'blocks' } });
    const result = await finish(options);
    const all = candidatesLeft(kind, layersOf(3), Mask.empty).map((candidate) => candidate.name);
    const free = all.filter((candidate) => !protect.some((block) => candidate.includes(block)));
    expect(result.steps.map((step) => step.removed).toSorted()).toEqual(free.toSorted());
    expect(result.protect).toEqual(protect);
    expect(result.stoppedBy).toBe('no candidate left');
    if (result.scores !== undefined) expect(result.scores.map(({ block }) => block)).toEqual(free);
  });

  it('resumes to the same bits after a kill at any record, and computes nothing twice', async () => {
    const straight = await methodRun(method);
    const expected = lasting(await finish(straight.options));
    const lines = straight.sink.all;
    expect(lines.length).toBeGreaterThan(3);
    for (let kept = 0; kept <= lines.length; kept++) {
      const again = await methodRun(method, {}, {}, lines.slice(0, kept));
      expect(lasting(await finish(again.options)), `after ${kept} lines`).toEqual(expected);
      expect(timeless(again.sink.all), `after ${kept} lines`).toEqual(timeless(lines));
    }
  });

  it('goes on to more blocks, and answers for fewer', async () => {
    const long = await resultOf(method, { stop: { blocks: 5 } });
    const short = await methodRun(method, { stop: { blocks: 2 } });
    expect((await finish(short.options)).steps).toEqual(long.steps.slice(0, 2));
    const longer = await methodRun(method, { stop: { blocks: 5 } }, {}, short.sink.all);
    expect(lasting(await finish(longer.options))).toEqual(lasting(long));
  });

  it('gives the same bits whatever memory it has', async () => {
    const all = await resultOf(method, { activationBytes: 2 ** 20 });
    const little = await resultOf(method, { activationBytes: 2 ** 14 });
    expect(lasting(little)).toEqual(lasting(all));
  });

  it.each(families)('prunes a model of family %s', async (family) => {
    const result = await resultOf(method, { stop: { blocks: 3 } }, { family, layers: 2 });
    expect(result.removed).toHaveLength(3);
  });

  it('writes a document that JSON holds and a report can show', async () => {
    const result = await resultOf(method);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result.schema).toBe('blockpruner.prune/1');
    expect(result.method).toEqual({ name, settings: expect.any(Object) });
    expect(renderReport(result).includes(name)).toBe(true);
  });

  it('tells its scores before it removes, each step after that, and its end last', async () => {
    const { options } = await methodRun(method);
    const { events } = await drain(run(options));
    const told = events.map(({ type }) => type).filter((type) => type !== 'progress' && type !== 'scoring');
    const scored = name === 'blockpruner' ? [] : ['scored'];
    expect(told).toEqual([...scored, 'start', 'dense', 'measured', 'step', 'measured', 'step', 'done']);
    for (const event of events) {
      if (event.type === 'scoring') expect(event.fraction).toBeGreaterThanOrEqual(0);
      if (event.type === 'scoring') expect(event.fraction).toBeLessThanOrEqual(1);
    }
  });

  it('abandoned anywhere, it leaves nothing on the backend', async () => {
    const whole = await methodRun(method);
    const { events } = await drain(run(whole.options));
    for (let after = 1; after <= events.length; after++) {
      const { options } = await methodRun(method);
      const { model } = options;
      let seen = 0;
      for await (const _ of run(options)) if (++seen === after) break;
      model.free();
      expect(model.backend.bytesInUse(), `after ${after} events`).toBe(0);
    }
  });

  it('refuses a setting that it does not have, and one of another kind', async () => {
    await expect(resultOf(method, { settings: { temperature: 1 } })).rejects.toThrow(
      `method ${name} has no setting 'temperature'`,
    );
    for (const setting of Object.keys((await resultOf(method)).method?.settings ?? {})) {
      await expect(resultOf(method, { settings: { [setting]: [] } })).rejects.toThrow(UsageError);
    }
  });

  it('refuses what cannot be, before a journal is begun', async () => {
    const refused = [
      [{ stop: {} }, UsageError],
      [{ stop: { blocks: 7 } }, UsageError],
      [{ stop: { blocks: 1, ratioOf: 'blocks' } }, UsageError],
      [{ stop: { ratio: 0.5, ratioOf: 'width' as 'blocks' } }, UsageError],
      [{ chunks: tinyChunks(3, 0, 8) }, DataError],
    ] as const;
    for (const [more, type] of refused) {
      const { options, sink } = await methodRun(method, more);
      await expect(finish(options)).rejects.toThrow(type);
      expect(sink.all).toEqual([]);
    }
  });

  it('does not go on with a journal of another method', async () => {
    const other = methods[(methods.indexOf(method) + 1) % methods.length];
    const { options, sink } = await methodRun(other);
    await finish(options);
    const { options: own } = await methodRun(method, {}, {}, sink.all);
    await expect(finish(own)).rejects.toThrow(JournalMismatchError);
  });

  it.runIf(method.needs.includes('gradients'))('refuses to run where nothing takes gradients', async () => {
    const { options, sink } = await methodRun(method, { gradients: undefined });
    await expect(finish(options)).rejects.toThrow(UnsupportedBackendError);
    await expect(finish(options)).rejects.toThrow(`method ${name} needs gradients`);
    expect(sink.all).toEqual([]);
  });
});
