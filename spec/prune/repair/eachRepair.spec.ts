/** `prune --repair each`: the leaders of every step are repaired, and the best after that goes. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { JournalMismatchError, UsageError } from '../../../src/errors.ts';
import { perplexity } from '../../../src/eval/perplexity.ts';
import { edited } from '../../../src/model/edit.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { pruneKinds } from '../../../src/prune/candidates.ts';
import { blockpruner } from '../../../src/prune/methods/blockpruner.ts';
import { methods } from '../../../src/prune/methods/all.ts';
import { nearTie } from '../../../src/prune/nearTie.ts';
import type { PruneResult, StepResult } from '../../../src/prune/result.ts';
import { run } from '../../../src/prune/run.ts';
import { defaultRepair } from '../../../src/repair/repair.ts';
import { storedEdits } from '../../../src/repair/store.ts';
import { referenceBackend } from '../../../src/backends/reference/referenceBackend.ts';
import { seeds } from '../../arbitraries.ts';
import { families } from '../../model/tinyTransformer.ts';
import { timeless } from '../tinyRun.ts';
import { bruteForce } from './bruteForce.ts';
import { CHUNKS, finish, lasting, repairRun } from './repairRun.ts';

const each = { when: 'each' } as const;
const withRepair = (step: StepResult): NonNullable<StepResult['repair']> => {
  if (step.repair === undefined) throw new Error('the step has no repair');
  return step.repair;
};

test.prop([fc.constantFrom(...families), seeds, fc.constantFrom('all', 'cuts')], { numRuns: 8 })(
  'with every candidate a leader, it removes what brute force over prices after repair removes',
  async (family, seed, scope) => {
    const settings = { ...defaultRepair, scope } as const;
    const job = await repairRun({ ...each, leaders: 9, settings }, {}, {}, { family, layers: 2, seed });
    const expected = await bruteForce(job.options.model, CHUNKS, 'mix', 2, settings);
    const { result } = await finish(job);
    expect(result.removed).toEqual(expected.map(({ removed }) => removed));
    for (const [at, step] of result.steps.entries()) {
      const { prices } = expected[at];
      expect(step.candidates).toEqual(prices.map(({ block, plain }) => ({ block, ppl: plain })));
      const leaders = prices.toSorted((a, b) => a.plain - b.plain);
      const found = withRepair(step).leaders.map(({ block, pruned, repaired }) => ({ block, plain: pruned, repaired }));
      expect(found).toEqual(leaders);
    }
  },
);

test.prop([seeds, fc.integer({ min: 1, max: 3 })], { numRuns: 6 })(
  'with fewer, the lowest plain prices are repaired, and the best of those goes',
  async (seed, leaders) => {
    const { result } = await finish(await repairRun({ ...each, leaders }, {}, {}, { layers: 2, seed }));
    for (const step of result.steps) {
      const repair = withRepair(step);
      const plain = step.candidates.toSorted((a, b) => (a.ppl ?? 0) - (b.ppl ?? 0)).slice(0, leaders);
      expect(repair.leaders.map(({ block, pruned }) => ({ block, ppl: pruned }))).toEqual(plain);
      const best = Math.min(...repair.leaders.map(({ repaired }) => repaired ?? Infinity));
      expect(repair.ppl).toBe(best);
      expect(repair.leaders.find(({ repaired }) => repaired === best)?.block).toBe(step.removed);
      expect(step.ppl).toBe(repair.leaders.find(({ block }) => block === step.removed)?.pruned);
    }
  },
);

describe('a run that repairs in every step', () => {
  it.each(pruneKinds)('%s: its steps and its result are the models that they say', async (kind) => {
    const job = await repairRun(each, { kind, stop: { ratio: 0.4, ratioOf: 'depth' } });
    const { source } = job.options.model;
    const { result } = await finish(job);
    const last = withRepair(result.steps[result.steps.length - 1]);
    expect(result.repair?.when).toBe('each');
    expect(result.repair?.whole.repaired.ppl).toBe(last.ppl);
    expect(result.repair?.whole.repaired.standardError).toBe(last.standardError);
    expect(result.repair?.heldOut?.repaired.ppl).toBe(last.heldOut?.repaired);
    const after = edited(source, storedEdits(result.repair?.tensors ?? [], job.store));
    const model = await Transformer.load(after, referenceBackend(), 2 ** 22);
    const mask = Mask.parse(result.removed.join(','), source.config);
    expect((await perplexity(model, CHUNKS, mask)).ppl).toBe(last.ppl);
    // The search has measured repaired models only; the one without repair is measured at the end.
    const whole = await Transformer.load(source, referenceBackend(), 2 ** 22);
    expect(result.repair?.whole.pruned.ppl).toBe((await perplexity(whole, CHUNKS, mask)).ppl);
  });

  it('killed after any line, with or without its files, it goes on to the same bits and lines', async () => {
    const straight = await repairRun(each);
    const expected = lasting((await finish(straight)).result);
    const lines = straight.sink.all;
    expect(lines.length).toBeGreaterThan(15);
    for (let kept = 0; kept <= lines.length; kept++) {
      for (const files of [new Map<string, Uint8Array>(), new Map(straight.files)]) {
        const again = await repairRun(each, {}, { lines: lines.slice(0, kept), files });
        expect(lasting((await finish(again)).result), `after ${kept} lines`).toEqual(expected);
        expect(timeless(again.sink.all), `after ${kept} lines`).toEqual(timeless(lines));
        expect([...again.files.keys()].toSorted()).toEqual([...straight.files.keys()].toSorted());
      }
    }
  });

  it('goes on to more blocks, and answers for fewer', async () => {
    const long = await finish(await repairRun(each, { stop: { blocks: 3 } }));
    const short = await repairRun(each, { stop: { blocks: 2 } });
    expect((await finish(short)).result.steps).toEqual(long.result.steps.slice(0, 2));
    const kept = { lines: short.sink.all, files: short.files };
    const longer = await repairRun(each, { stop: { blocks: 3 } }, kept);
    expect(lasting((await finish(longer)).result)).toEqual(lasting(long.result));
    const back = await repairRun(each, { stop: { blocks: 2 } }, { lines: longer.sink.all, files: longer.files });
    expect((await finish(back)).result.removed).toEqual(long.result.removed.slice(0, 2));
  });

  it('a finished run answers from its journal: no sweep, no leader is repaired again', async () => {
    const job = await repairRun(each);
    await finish(job);
    const again = await repairRun(each, {}, { lines: job.sink.all, files: job.files });
    const { events } = await finish(again);
    expect(events.some(({ type }) => type === 'progress')).toBe(false);
    expect(events.some((event) => event.type === 'repairing')).toBe(false);
    expect(again.sink.all).toEqual(job.sink.all);
  });

  it('the store holds the tensors of the result and no others', async () => {
    const job = await repairRun(each, { stop: { blocks: 3 } });
    const { result } = await finish(job);
    const named = result.repair?.tensors.map(({ file }) => file) ?? [];
    expect(named.length).toBeGreaterThan(0);
    expect([...job.files.keys()].toSorted()).toEqual(named.toSorted());
  });

  it('memory for streams, weights and groups changes no bit', async () => {
    const little = { ...each, streamBytes: 0, weightBytes: 2 ** 14 };
    const found = await finish(await repairRun(little, { activationBytes: 2 ** 15 }));
    expect(lasting(found.result)).toEqual(lasting((await finish(await repairRun(each))).result));
  });

  it('abandoned anywhere, it leaves nothing on the backend', async () => {
    const { events } = await finish(await repairRun(each, {}, {}, { layers: 2 }));
    for (let after = 1; after <= events.length; after += 3) {
      const { options } = await repairRun(each, {}, {}, { layers: 2 });
      let seen = 0;
      for await (const _ of run(options)) if (++seen === after) break;
      options.model.free();
      expect(options.model.backend.bytesInUse(), `after ${after} events`).toBe(0);
    }
  });

  it('a highest perplexity is one after repair', async () => {
    const { steps } = (await finish(await repairRun(each, { stop: { blocks: 3 } }))).result;
    const after = steps.map((step) => withRepair(step).ppl ?? NaN);
    const highest = Math.max(...after);
    const first = after.indexOf(highest);
    const maxPpl = highest * (1 - 1e-9);
    const { result } = await finish(await repairRun(each, { stop: { blocks: 3, maxPpl } }));
    expect(result.stoppedBy).toBe('max-ppl');
    expect(result.removed).toHaveLength(first);
  });

  it('removes the last blocks too: nothing is left to repair with, so their price is the plain one', async () => {
    const { result } = await finish(await repairRun(each, { stop: { blocks: 4 } }, {}, { layers: 2 }));
    expect(result.removed).toHaveLength(4);
    const last = withRepair(result.steps[3]);
    expect(last.ppl).toBe(result.steps[3].ppl);
    expect(last.heldOut).toBeNull();
    expect(result).not.toHaveProperty('repair');
  });

  it('tells each leader by name and place, and both prices in its step', async () => {
    const { events } = await finish(await repairRun({ ...each, leaders: 2 }));
    const told = events.flatMap((event) => (event.type === 'repairing' && event.leader !== null ? [event] : []));
    expect(new Set(told.map(({ leader }) => `${leader?.step} ${leader?.index} of ${leader?.of}`))).toEqual(
      new Set(['1 0 of 2', '1 1 of 2', '2 0 of 2', '2 1 of 2']),
    );
    for (const { fraction } of told) expect(fraction >= 0 && fraction <= 1).toBe(true);
    for (const { block, leader } of told) {
      expect(block).toMatch(/^L[0-2]\.(?:mha|mlp)$/);
      expect(block).not.toBe(leader?.name);
    }
  });

  it('a near-tie is one of prices after repair', () => {
    const priced = (name: string, ppl: number) => ({ name, perplexity: { ...NONE, ppl } });
    expect(nearTie(1e-6, priced('L0.mha', 10), priced('L1.mha', 10 + 1e-6))).toEqual({
      block: 'L1.mha',
      ppl: 10 + 1e-6,
    });
  });
});

const NONE = { nll: 0, natsPerToken: 0, standardError: null, bitsPerByte: null, scoredTokens: 1 };

describe('what does not go together', () => {
  const start = async (result: Promise<unknown>, message: RegExp, sink: readonly string[]): Promise<void> => {
    await expect(result).rejects.toThrow(UsageError);
    await expect(result).rejects.toThrow(message);
    expect(sink).toEqual([]);
  };

  it.each(methods.filter(({ name }) => name !== 'blockpruner').map((method) => [method.name, method] as const))(
    '%s does not choose by price',
    async (name, method) => {
      const job = await repairRun(each, { method });
      await start(finish(job), new RegExp(`method ${name} does not choose by price`), job.sink.all);
    },
  );

  it('a race drops candidates before they could be repaired', async () => {
    const job = await repairRun(each, { race: { confidence: 0.9, seed: 0 } });
    await start(finish(job), /--search race drops candidates before --repair each/, job.sink.all);
  });

  it.each<[object, RegExp]>([
    [{ leaders: 0 }, /leaders is a whole number from 1 on/],
    [{ leaders: 1.5 }, /leaders is a whole number from 1 on/],
    [{ form: 'glue' }, /form is one of refit, replaceme, scale/],
    [{ scope: 'some' }, /scope is one of all, cuts/],
    ...[[], [-1], [0], [0.3, 0], [NaN], [Infinity], [1e7], ['1'], 1].map((factors): [object, RegExp] => [
      { factors },
      /factors is a list of numbers above 0, up to 1000000/,
    ]),
    [{ depth: 2 }, /there is no 'depth'/],
  ])('setting %j', (repair, message) => {
    const { config } = { config: { layers: [] } } as unknown as Transformer;
    expect(() => blockpruner.check({ repair }, config)).toThrow(message);
  });

  it('a journal of other leaders, of another scope, or of a search without repair', async () => {
    const job = await repairRun(each);
    await finish(job);
    const kept = { lines: job.sink.all, files: job.files };
    const others = [
      { ...each, leaders: 2 },
      { ...each, settings: { ...defaultRepair, scope: 'cuts' as const } },
      {},
      null,
    ];
    for (const repair of others) {
      await expect(finish(await repairRun(repair, {}, kept))).rejects.toThrow(JournalMismatchError);
    }
  });
});

it('a document of repair in the loop holds no number that JSON cannot', async () => {
  const { result } = await finish(await repairRun(each));
  expect(JSON.parse(JSON.stringify(result))).toEqual(result satisfies PruneResult);
});
