/**
 * A walk that was kept is gone on with to the same bits, whenever it was killed; and nothing is
 * gone on with that is not, byte for byte, what was kept of this very job.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend.ts';
import { AccessError } from '../../../src/errors.ts';
import type { Chunks } from '../../../src/eval/chunks.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import { memoryState } from '../../../src/platform/stateFile.ts';
import { candidatesLeft, pruneKinds, type Candidate } from '../../../src/prune/candidates.ts';
import { abandon } from '../../../src/prune/mapEvents.ts';
import { localPricer } from '../../../src/prune/pricing/localPricer.ts';
import type { Priced, PricingJob, PricingProgress } from '../../../src/prune/pricing/pricer.ts';
import { WalkKeeper, type Keeping } from '../../../src/prune/pricing/walkKeeper.ts';
import { seeds } from '../../arbitraries.ts';
import { layersOf } from '../../model/layers.ts';
import { families, tinySource, tinyTransformer } from '../../model/tinyTransformer.ts';
import { drain, reference, simdBackends, someMask, tinyChunks } from '../tinySearch.ts';
import { stacking } from './stacking.ts';

const LAYERS = 3;

type State = ReturnType<typeof memoryState>;

/** A walk is due at every look, or never: the clock stands still. */
const always = { now: () => 0, everySeconds: 0 };
const never = { now: () => 0 };

interface Process {
  readonly model: Transformer;
  readonly chunks: Chunks;
  readonly state: State;
  readonly notes: string[];
  readonly keeping: Partial<Keeping>;
  readonly identity?: string;
}

/** One process's pricing of a job, over what an earlier one kept. */
function priced({ model, chunks, state, notes, keeping, identity = 'run' }: Process, job: PricingJob, room = 0) {
  const keeper = new WalkKeeper({ file: state, note: (text) => notes.push(text), ...keeping }, identity, nodeHasher);
  const groupSize = job.chunks.length;
  const pricer = localPricer(model, chunks, { groupSize, checkpointBytes: room, keeper });
  return { pricer, keeper, pricing: pricer.price(job) };
}

/** What counts of an answer. */
const figuresOf = (answer: Priced): Priced => ({ ...answer, seconds: 0 });

const someJob = fc.record({
  family: fc.constantFrom(...families),
  seed: seeds,
  kind: fc.constantFrom(...pruneKinds),
  count: fc.integer({ min: 1, max: 2 }),
  chunk: fc.integer({ min: 2, max: 7 }),
  mask: someMask(LAYERS).map((mask) => Mask.of(mask.blocks.slice(0, 3))),
  /** Little, so that weights are read again and again and portions are large; or enough. */
  weightBytes: fc.constantFrom(12_000, 2 ** 20),
  stackBytes: fc.constantFrom(0, 2000, 2 ** 20),
});

for (const { name, make } of [reference, ...simdBackends(1)]) {
  describe(`a walk that was kept, on ${name}`, () => {
    test.prop([someJob, fc.array(fc.record({ events: fc.nat(40), kill: fc.boolean() }), { maxLength: 4 })], {
      numRuns: 25,
    })(
      'is gone on with to the same bits and the same count of passes, however often it was killed or left',
      async ({ family, seed, kind, count, chunk, mask, weightBytes, stackBytes }, ends) => {
        const backend = stacking(await make(), stackBytes);
        const model = await Transformer.load(await tinySource({ family, layers: LAYERS, seed }), backend, weightBytes);
        const chunks = tinyChunks(seed, count, chunk);
        const candidates = candidatesLeft(kind, layersOf(LAYERS), mask);
        const job = { mask, candidates, chunks: [...chunks.ids.keys()], segments: true };
        const straight = await drain(localPricer(model, chunks, { groupSize: count }).price(job));
        const before = backend.bytesInUse();

        const state = memoryState();
        const notes: string[] = [];
        let least = 0;
        for (const { events, kill } of ends) {
          const process = { model, chunks, state, notes, keeping: kill ? always : never };
          const { pricer, pricing } = priced(process, job);
          let seen: PricingProgress | null = null;
          let over = false;
          for (let event = 0; event < events && !over; event++) {
            const next = await pricing.next();
            // With the last event it is over: what follows is the journal's affair.
            over = next.done === true || next.value.share === 1;
            if (next.done !== true) seen = next.value;
          }
          // What a killed process leaves is what was written by then.
          const left = state.bytes;
          await abandon(pricing);
          if (kill) state.bytes = left;
          if (over) break;
          await pricer.close();
          // Nothing that was computed is computed again: the next one begins where this one was.
          least = seen?.share ?? least;
          const again = priced(process, job);
          const first = await again.pricing.next();
          if (first.done !== true && least > 0) expect(first.value.kept).toBe(least);
          await abandon(again.pricing);
          if (kill) state.bytes = left;
          await again.pricer.close();
        }
        const last = priced({ model, chunks, state, notes, keeping: never }, job);
        const { result, events } = await drain(last.pricing);
        expect(figuresOf(result)).toEqual(figuresOf(straight.result));
        // Each candidate's scores are told once, those that were kept with the first event.
        const told = events.flatMap(({ scores }) => [...(scores ?? [])].map(([own]) => own));
        expect(told.toSorted()).toEqual(candidates.map((candidate) => candidate.name).toSorted());
        await last.pricer.close();
        expect(notes).toEqual([]);
        expect(state.bytes).toBeNull();
        expect(backend.bytesInUse()).toBe(before);
        await backend.dispose();
      },
    );
  });
}

describe('a walk that begins with streams of the step before', () => {
  test.prop([fc.integer({ min: 1, max: 30 }), fc.constantFrom(0, 2 ** 20), fc.nat(5)], { numRuns: 40 })(
    'is gone on with too',
    async (events, stackBytes, removed) => {
      const backend = stacking(await reference.make(), stackBytes);
      const { model } = await tinyTransformer({ layers: LAYERS, backend });
      const chunks = tinyChunks(1, 1, 6);
      const state = memoryState();
      const notes: string[] = [];
      const jobOf = (mask: Mask): PricingJob => {
        return { mask, candidates: candidatesLeft('mix', layersOf(LAYERS), mask), chunks: [0] };
      };
      const mask = Mask.of([candidatesLeft('mix', layersOf(LAYERS), Mask.empty)[removed].blocks[0]]);
      const expected = await drain(localPricer(model, chunks, { groupSize: 1 }).price(jobOf(mask)));
      const first = priced({ model, chunks, state, notes, keeping: never }, jobOf(Mask.empty), 2 ** 20);
      await drain(first.pricing);
      const pricing = first.pricer.price(jobOf(mask));
      let over = false;
      for (let event = 0; event < events && !over; event++) over = (await pricing.next()).done === true;
      await abandon(pricing);
      await first.pricer.close();
      const second = priced({ model, chunks, state, notes, keeping: never }, jobOf(mask), 2 ** 20);
      const { result } = await drain(second.pricing);
      expect(result.base).toEqual(expected.result.base);
      expect(result.scores).toEqual(expected.result.scores);
      await second.pricer.close();
      expect(notes).toEqual([]);
      model.free();
      expect(backend.bytesInUse()).toBe(0);
    },
  );
});

/** A job of two layers that was left half-way, with what a next process needs. */
async function leftHalfWay(): Promise<Process & { job: PricingJob; expected: Priced; backend: Backend }> {
  const { model } = await tinyTransformer({ layers: 2 });
  const chunks = tinyChunks(1, 2, 5);
  const candidates = candidatesLeft('mix', layersOf(2), Mask.empty);
  const job = { mask: Mask.empty, candidates, chunks: [0, 1] };
  const expected = (await drain(localPricer(model, chunks, { groupSize: 2 }).price(job))).result;
  const process = { model, chunks, state: memoryState(), notes: [], keeping: never };
  const { pricing } = priced(process, job);
  for (let event = 0; event < 9; event++) await pricing.next();
  await abandon(pricing);
  expect(process.state.bytes).not.toBeNull();
  return { ...process, job, expected, backend: model.backend };
}

describe('what is not gone on with', async () => {
  const { state: whole, job, expected, ...process } = await leftHalfWay();
  const bytes = whole.bytes ?? new Uint8Array();
  const over = (changed: Uint8Array, more: Partial<Process> = {}): { notes: string[]; process: Process } => {
    const notes: string[] = [];
    return { notes, process: { ...process, state: { ...memoryState(), bytes: changed }, notes, ...more } };
  };
  const keptOf = async (one: Process, of: PricingJob = job): Promise<number> => {
    const { pricing, pricer } = priced(one, of);
    const { events, result } = await drain(pricing);
    await pricer.close();
    if (of === job) expect(figuresOf(result)).toEqual(figuresOf(expected));
    return events[0].kept;
  };

  it('is nothing, as long as it is whole', async () => {
    const { notes, process: one } = over(bytes);
    expect(await keptOf(one)).toBeGreaterThan(0.2);
    expect(notes).toEqual([]);
  });

  test.prop([fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })], { numRuns: 300 })(
    'is a file with any byte changed',
    async (at, change) => {
      const { notes, process: one } = over(bytes.with(at, bytes[at] ^ change));
      expect(await keptOf(one)).toBe(0);
      expect(notes).toEqual([
        'state in memory is damaged and is not used: this group of chunks is computed from its beginning.',
      ]);
    },
  );

  test.prop([fc.nat(bytes.length - 1), fc.uint8Array({ minLength: 1, maxLength: 9 })])(
    'is a file that is torn, or has something behind it',
    async (length, more) => {
      for (const changed of [bytes.slice(0, length), Uint8Array.from([...bytes, ...more]), Uint8Array.from(more)]) {
        const { notes, process: one } = over(changed);
        expect(await keptOf(one)).toBe(0);
        expect(notes).toHaveLength(1);
      }
    },
  );

  it.each<[string, Partial<Process>, (from: PricingJob) => PricingJob]>([
    ['run', { identity: 'another' }, (from) => from],
    [
      'mask',
      {},
      (from) => ({ ...from, mask: Mask.parse('L1.mlp', layersOf(2)), candidates: from.candidates.slice(0, 2) }),
    ],
    ['choice of candidates', {}, (from) => ({ ...from, candidates: from.candidates.slice(1) })],
    ['order of chunks', {}, (from) => ({ ...from, chunks: [1, 0] })],
    ['group of chunks', {}, (from) => ({ ...from, chunks: [0] })],
  ])('is what another %s left', async (_, more, change) => {
    const { notes, process: one } = over(bytes, more);
    const changed = change(job);
    const alone = await drain(localPricer(one.model, one.chunks, { groupSize: 2 }).price(changed));
    const { pricing } = priced(one, changed);
    const { events, result } = await drain(pricing);
    expect(events[0].kept).toBe(0);
    expect(figuresOf(result)).toEqual(figuresOf(alone.result));
    expect(notes).toEqual([expect.stringMatching(/was left by another group of chunks.* and is not used/)]);
  });

  it('is what was left by another model under the same journal', async () => {
    const { notes, process: one } = over(bytes);
    const keeper = new WalkKeeper({ file: one.state, note: (text) => notes.push(text), ...never }, 'run', nodeHasher);
    const pricer = localPricer(one.model, one.chunks, { groupSize: 2, keeper, modelName: 'repaired' });
    expect((await drain(pricer.price(job))).events[0].kept).toBe(0);
    expect(notes).toHaveLength(1);
  });
});

describe('when a walk is kept', () => {
  /** Seconds that a walk's passes take by the clock, and its saves. */
  async function saves(seconds: { pass: number; write: number; every?: number; passes?: number }) {
    const { model } = await tinyTransformer({ layers: 8 });
    const chunks = tinyChunks(1, 1, 4);
    const state = memoryState();
    let clock = 0;
    const file = {
      ...state,
      write: async (pieces: AsyncIterable<Uint8Array>) => {
        await state.write(pieces);
        times.push(clock);
        clock += 1000 * seconds.write;
      },
    };
    const times: number[] = [];
    const candidates: Candidate[] = candidatesLeft('mix', layersOf(8), Mask.empty);
    const keeper = new WalkKeeper(
      { file, note: () => {}, now: () => clock, everySeconds: seconds.every },
      'run',
      nodeHasher,
    );
    const pricer = localPricer(model, chunks, { groupSize: 1, keeper });
    let passes = 0;
    for await (const _ of pricer.price({ mask: Mask.empty, candidates, chunks: [0] })) {
      clock += 1000 * seconds.pass;
      if (++passes === seconds.passes) break;
    }
    return { gaps: times.map((time, at) => (time - (times[at - 1] ?? 0)) / 1000), passes };
  }

  it('every ten seconds, and at once by who leaves it', async () => {
    const { gaps } = await saves({ pass: 1, write: 0, passes: 35 });
    expect(gaps).toEqual([10, 10, 10, 5]);
  });

  it('as often as is asked, a pass apart at the most', async () => {
    const { gaps } = await saves({ pass: 1, write: 0, every: 3, passes: 12 });
    expect(gaps).toEqual([3, 3, 3, 3]);
    expect((await saves({ pass: 60, write: 0, passes: 4 })).gaps).toEqual([60, 60, 60]);
  });

  it('not at all in a walk that is shorter', async () => {
    expect((await saves({ pass: 0.01, write: 0 })).gaps).toEqual([]);
  });

  it('the more rarely the longer it takes: a 64th of the time at most', async () => {
    const { gaps } = await saves({ pass: 1, write: 0.5, passes: 100 });
    expect(gaps.slice(0, 3)).toEqual([10, 32.5, 32.5]);
    // But within a minute: on a busy machine, writing 10 MB may take seconds.
    expect((await saves({ pass: 1, write: 5, passes: 100 })).gaps.slice(0, 2)).toEqual([10, 65]);
  });
});

describe('a file that cannot be written', () => {
  it('is told of once, and the walk goes on without', async () => {
    const { model } = await tinyTransformer({ layers: 2 });
    const chunks = tinyChunks(1, 1, 4);
    const full = new AccessError('the disk is full.', { where: 'walk.state' });
    const state = { ...memoryState(), write: () => Promise.reject(full) };
    const notes: string[] = [];
    const candidates = candidatesLeft('mix', layersOf(2), Mask.empty);
    const { pricing } = priced(
      { model, chunks, state, notes, keeping: always },
      {
        mask: Mask.empty,
        candidates,
        chunks: [0],
      },
    );
    expect((await drain(pricing)).result.scores).toHaveLength(4);
    expect(notes).toEqual([expect.stringMatching(/^walk\.state: the disk is full\..*a kill loses it\.$/)]);
  });
});
