/** A run's plan beside the run: steps, first step, memory, seconds as the speed says. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { countParameters } from '../../../src/model/parameters.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { pieceSizes } from '../../../src/model/weightPieces.ts';
import { memoryJournal } from '../../../src/platform/journalSink.ts';
import { candidatesLeft, pruneKinds, type StopRules } from '../../../src/prune/candidates.ts';
import { measureSpeed } from '../../../src/prune/cost/measureSpeed.ts';
import { measuredPlan, planWithSmaller } from '../../../src/prune/cost/planning.ts';
import type { RunPlan } from '../../../src/prune/cost/planTypes.ts';
import { likelyOrders, stepSpan } from '../../../src/prune/cost/removals.ts';
import { planRun, rowsToMeasure, type PlanInput } from '../../../src/prune/cost/runPlan.ts';
import { Pricing, secondsFor, type Speed } from '../../../src/prune/cost/speed.ts';
import { methods } from '../../../src/prune/methods/all.ts';
import { ratios } from '../../../src/prune/ratios.ts';
import { Mask } from '../../../src/model/mask.ts';
import { run } from '../../../src/prune/run.ts';
import { someUneven, unevenSource } from '../../model/unevenModel.ts';
import { documentOf, tinyRun } from '../tinyRun.ts';
import { drain, reference, tinyChunks } from '../tinySearch.ts';

/** A billionth of a second an operation, and a thousandth a byte loaded. */
const plain = {
  calls: [
    { flops: 1e-9, seconds: 1e-18 },
    { flops: 1, seconds: 1e-9 },
  ],
  loadSecondsPerByte: 0,
};
const speed: Speed = { mha: plain, mlp: plain, head: plain, seconds: 2 };

async function inputOf(more: Partial<PlanInput> = {}): Promise<PlanInput> {
  const { options } = await tinyRun();
  const { model, chunks, kind, stop, activationBytes } = options;
  return {
    source: model.source,
    backend: model.backend,
    chunk: chunks.chunk,
    chunks: chunks.ids.length,
    kind,
    stop,
    method: { name: 'blockpruner', scoring: 'search' },
    races: false,
    repair: null,
    evaluation: null,
    sampleTokens: 0,
    activationBytes,
    checkpointBytes: 0,
    weightBytes: Infinity,
    ...more,
  };
}

describe('a plan', () => {
  it('has the first step of the run to the pass, and as many steps', async () => {
    const { options } = await tinyRun();
    const plan = await planRun(await inputOf(), speed);
    const { steps, work } = await documentOf(options);
    expect(plan.byStep).toHaveLength(steps.length);
    expect(plan.steps).toEqual({ least: steps.length, most: steps.length });
    expect(plan.byStep[0].passes).toBe(steps[0].work.done);
    expect(plan.byStep.map(({ candidates }) => candidates)).toEqual(steps.map(({ candidates }) => candidates.length));
    // Without streams kept from step to step every order of removals takes the same.
    expect(plan.work).toEqual(work);
  });

  it('takes as many seconds as the speed says of its operations', async () => {
    const plan = await planRun(await inputOf(), speed);
    expect(plan.seconds.total).toBeCloseTo(plan.flops * 1e-9, 12);
    const slow = { ...plain, calls: plain.calls.map((call) => ({ ...call, seconds: 3 * call.seconds })) };
    const slower = await planRun(await inputOf(), { ...speed, mha: slow, mlp: slow, head: slow });
    expect(slower.seconds.total).toBeCloseTo(3 * plan.seconds.total, 12);
    expect(slower.flops).toBe(plan.flops);
  });

  it('counts what is loaded once, and again in each walk what memory does not hold', async () => {
    const { source, ...rest } = await inputOf({ stop: { blocks: 1 } });
    const bytes = [...pieceSizes(source).values()].reduce((sum, size) => sum + size, 0);
    const loading = { ...speed, mha: { ...plain, loadSecondsPerByte: 1 }, mlp: { ...plain, loadSecondsPerByte: 1 } };
    const blocks = bytes - (pieceSizes(source).get('head 0') ?? 0);
    const whole = await planRun({ ...rest, source }, loading);
    expect(whole.seconds.total - whole.flops * 1e-9).toBeCloseTo(blocks, 5);
    expect(whole.memory.weights).toBe(bytes);
    // Three groups of one chunk, each a walk over all blocks.
    const none = await planRun({ ...rest, source, weightBytes: 1 }, loading);
    expect(none.seconds.total - none.flops * 1e-9).toBeCloseTo(3 * blocks, 5);
  });

  it('adds scores, held-out text and sample, and names what it leaves out', async () => {
    const search = await planRun(await inputOf(), speed);
    const evaluated = await planRun(await inputOf({ evaluation: { chunk: 8, ids: { length: 2 } } }), speed);
    expect(evaluated.seconds.search).toBe(search.seconds.search);
    expect(evaluated.seconds.evaluation).toBeGreaterThan(0);
    const sampled = await planRun(await inputOf({ sampleTokens: 10 }), speed);
    expect(sampled.seconds.total - sampled.seconds.search).toBeCloseTo(sampled.seconds.sample, 15);
    expect(sampled.seconds.sample).toBeGreaterThan(0);
    const own = await planRun(await inputOf({ method: { name: 'mine' }, repair: 'end' }), speed);
    expect(own.leftOut).toEqual(['the scores of method mine', 'the repair of the result']);
    expect((await planRun(await inputOf({ repair: 'each' }), speed)).leftOut).toEqual(['the repairs of each step']);
  });

  test.each(methods.map(({ name, scoring }) => ({ name, scoring })))('knows what $name takes', async (method) => {
    const plan = await planRun(await inputOf({ method }), speed);
    expect(plan.leftOut).toEqual([]);
    expect(plan.seconds.scoring > 0).toBe(['sweep', 'walk', 'gradients'].includes(method.scoring ?? ''));
    if (method.scoring !== 'search') expect(plan.byStep[1].candidates).toBe(1);
  });

  it('gives a race an interval, and says what one would take', async () => {
    const exact = await planRun(await inputOf(), speed);
    const race = await planRun(await inputOf({ races: true }), speed);
    expect(exact.seconds.span).toBeNull();
    expect(race.race).toBeNull();
    expect(race.seconds.span).toEqual(exact.race);
    const { least, most } = race.seconds.span ?? { least: NaN, most: NaN };
    expect(least).toBeLessThan(race.seconds.total);
    expect(most).toBeGreaterThan(race.seconds.total);
    // Two chunks are all seen by everybody.
    expect((await planRun(await inputOf({ chunks: 2 }), speed)).race).toBeNull();
  });

  test.prop([someUneven(4), fc.constantFrom(...pruneKinds), fc.double({ min: 0.05, max: 0.9 }), fc.boolean()], {
    numRuns: 30,
  })('spans the steps that a ratio may take', (shape, kind, ratio, byBlocks) => {
    const { config } = unevenSource(shape);
    const counts = countParameters(unevenSource(shape));
    fc.pre(candidatesLeft(kind, config, Mask.empty).length > 0);
    const stop: StopRules = { ratio, ratioOf: byBlocks ? 'blocks' : 'depth' };
    const { least, most } = stepSpan({ config, counts, kind, stop });
    for (const order of likelyOrders({ config, counts, kind, stop })) {
      expect(order.length).toBeGreaterThanOrEqual(least);
      expect(order.length).toBeLessThanOrEqual(most);
      expect(new Set(order.map(({ name }) => name)).size).toBe(order.length);
      const reached = (upTo: number): number =>
        ratios(counts, Mask.of(order.slice(0, upTo).flatMap(({ blocks }) => blocks)))[stop.ratioOf ?? 'total'];
      if (order.length > 1) expect(reached(order.length - 1)).toBeLessThan(ratio);
    }
  });

  it('says “at most” where perplexity decides', async () => {
    const plan = await planRun(await inputOf({ stop: { maxPpl: 100 } }), speed);
    expect(plan.atMost).toBe(true);
    expect(plan.steps).toEqual({ least: 1, most: 4 });
    expect((await planRun(await inputOf({ stop: { maxIncrease: 20 } }), speed)).atMost).toBe(true);
  });

  it('leaves protected blocks out, as the run does', async () => {
    const protect = ['L0.mha', 'L1'];
    const { options } = await tinyRun(memoryJournal(), { protect, stop: { blocks: 1 } });
    const plan = await measuredPlan(options);
    const { steps } = await documentOf(options);
    expect(plan.candidates).toBe(1);
    expect(plan.byStep[0].passes).toBe(steps[0].work.done);
    expect((await measuredPlan({ ...options, stop: { maxPpl: 1e9 } })).steps.most).toBe(1);
  });

  it('of fewer tokens takes less', async () => {
    const { options } = await tinyRun(memoryJournal(), { chunks: tinyChunks(1, 9, 8), activationBytes: 2 ** 22 });
    const { plan, smaller } = await planWithSmaller(options);
    expect(plan.tokens).toBe(72);
    expect(smaller.map(({ tokens }) => tokens)).toEqual([32, 16, 8]);
    expect(Math.min(...smaller.map(({ seconds }) => seconds))).toBeGreaterThan(0);
  });
});

describe('a run with a plan', () => {
  it('tells it first, and comes to the same document', async () => {
    const sink = memoryJournal();
    const planned = await tinyRun(sink, { plan: { weightBytes: Infinity } });
    const { events } = await drain(run(planned.options));
    expect(events[0]).toMatchObject({ type: 'plan', done: 0 });
    expect(events.filter(({ type }) => type === 'plan')).toHaveLength(1);
    const without = await documentOf((await tinyRun()).options);
    const again = await tinyRun(memoryJournal(sink.all), { plan: { weightBytes: Infinity } });
    expect(await documentOf(again.options)).toEqual(without);
    const resumed = await drain(run({ ...again.options, sink: memoryJournal(sink.all) }));
    expect(resumed.events[0]).toMatchObject({ type: 'plan', done: 4 });
  });

  it('leaves nothing on the backend', async () => {
    const { options } = await tinyRun();
    const input = await inputOf();
    const held = options.model.backend.bytesInUse();
    await measureSpeed(options.model, { chunk: 8, rows: await rowsToMeasure(input) });
    const once = options.model.backend.bytesInUse();
    await measureSpeed(options.model, { chunk: 8, rows: await rowsToMeasure(input) });
    expect(options.model.backend.bytesInUse()).toBe(once);
    options.model.free();
    expect(options.model.backend.bytesInUse()).toBeLessThan(held);
  });
});

describe('the speed', () => {
  const calls = fc
    .array(
      fc.record({
        flops: fc.double({ min: 1, max: 1e9, noNaN: true }),
        seconds: fc.double({ min: 1e-6, max: 9, noNaN: true }),
      }),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((timed) => timed.toSorted((a, b) => a.flops - b.flops))
    .filter((timed) => timed.every(({ flops }, at) => at === 0 || flops > timed[at - 1].flops));

  test.prop([calls])('gives each timed call its seconds, and a call beyond the last in proportion', (timed) => {
    for (const { flops, seconds } of timed) expect(secondsFor(timed, flops)).toBeCloseTo(seconds, 9);
    const last = timed[timed.length - 1];
    expect(secondsFor(timed, 3 * last.flops)).toBeCloseTo(3 * last.seconds, 9);
    expect(secondsFor(timed, timed[0].flops / 2)).toBe(timed[0].seconds);
  });

  test.prop([calls, fc.double({ min: 0, max: 1, noNaN: true })])('lies between two neighbours', (timed, share) => {
    for (const [at, { flops, seconds }] of timed.slice(0, -1).entries()) {
      const next = timed[at + 1];
      const found = secondsFor(timed, flops + share * (next.flops - flops));
      expect(found).toBeGreaterThanOrEqual(Math.min(seconds, next.seconds) - 1e-12);
      expect(found).toBeLessThanOrEqual(Math.max(seconds, next.seconds) + 1e-12);
    }
  });

  it('of an MHA, an MLP and the head are apart', async () => {
    const { source, chunk } = await inputOf();
    const at = (seconds: number): Speed['head'] => ({ calls: [{ flops: 1e12, seconds }], loadSecondsPerByte: 0 });
    const three: Speed = { mha: at(1), mlp: at(10), head: at(100), seconds: 0 };
    const pricing = new Pricing(source.config, chunk, three, { sizes: pieceSizes(source), weightBytes: Infinity });
    expect(pricing.tokenSeconds(['L0.mha', 'L0.mlp', 'L1.mlp'])).toBe(121);
  });

  it('is measured on a real backend for every kind, at rising sizes', async () => {
    const source = unevenSource({
      family: 'llama',
      seed: 1,
      layers: [
        { mha: true, width: 8 },
        { mha: false, width: 30 },
      ],
    });
    const model = await Transformer.load(source, await reference.make(), 2 ** 22);
    const found = await measureSpeed(model, { chunk: 40, rows: [40, 120], seconds: 0.01 });
    for (const kind of [found.mha, found.mlp, found.head]) {
      const timed = kind?.calls ?? [];
      expect(timed.length).toBeGreaterThanOrEqual(2);
      for (const [at, { flops, seconds }] of timed.entries()) {
        expect(seconds).toBeGreaterThan(0);
        if (at > 0) expect(flops).toBeGreaterThan(timed[at - 1].flops);
      }
    }
    const noMha = unevenSource({ family: 'llama', seed: 1, layers: [{ mha: false, width: 8 }] });
    const bare = await Transformer.load(noMha, await reference.make(), 2 ** 22);
    expect((await measureSpeed(bare, { chunk: 8, rows: [8], seconds: 0.01 })).mha).toBeNull();
  });

  it('plans a run by what it measures', async () => {
    const { options } = await tinyRun();
    const plan: RunPlan = await measuredPlan(options);
    expect(plan.measured).toBeGreaterThan(0);
    expect(plan.seconds.total).toBeGreaterThan(0);
  });
});
