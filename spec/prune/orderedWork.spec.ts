/**
 * What an order decided beforehand costs: one model a step, since the step before has measured
 * what this one begins with. Journals of earlier versions hold both; they still resume.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import type { Chunks } from '../../src/eval/chunks.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { candidatesLeft, pruneKinds, type Candidate, type PruneKind } from '../../src/prune/candidates.ts';
import type { RowPasses, SearchEvent } from '../../src/prune/events.ts';
import { ExactStep } from '../../src/prune/exactStep.ts';
import { Journal } from '../../src/prune/journal.ts';
import { measureStep } from '../../src/prune/measureStep.ts';
import { localPricer } from '../../src/prune/pricing/localPricer.ts';
import { someUneven, unevenSource, type UnevenShape } from '../model/unevenModel.ts';
import { drain, localSearch, reference, tinyChunks } from './tinySearch.ts';

const header = { weights: 'w', config: 'c', tokens: 't', settings: 's', backend: 'b' };

interface Case {
  shape: UnevenShape;
  kind: PruneKind;
  order: readonly Candidate[];
}

const someCase: fc.Arbitrary<Case> = fc
  .record({ shape: someUneven(3), kind: fc.constantFrom(...pruneKinds) })
  .filter(({ shape, kind }) => candidatesLeft(kind, unevenSource(shape).config, Mask.empty).length > 0)
  .chain(({ shape, kind }) => {
    const all = candidatesLeft(kind, unevenSource(shape).config, Mask.empty);
    return fc.shuffledSubarray(all, { minLength: 1 }).map((order) => ({ shape, kind, order }));
  });

async function load(shape: UnevenShape): Promise<Transformer> {
  return Transformer.load(unevenSource(shape), await reference.make(), 2 ** 22);
}

async function ordered(
  model: Transformer,
  chunks: Chunks,
  { kind, order }: Case,
  groupSize: number,
  lines: readonly string[] = [],
): Promise<{ events: SearchEvent[]; lines: readonly string[] }> {
  const sink = memoryJournal(lines);
  const journal = await Journal.open(sink, header, nodeHasher);
  const settings = { kind, stop: { ratio: 0.999 }, order, groupSize };
  const { events } = await drain(localSearch({ model, chunks, journal }, settings));
  return { events, lines: sink.all };
}

/**
 * A journal as earlier versions wrote it: each step measured the mask alone and its one candidate.
 */
async function olderJournal(
  model: Transformer,
  chunks: Chunks,
  { order }: Case,
  groupSize: number,
): Promise<readonly string[]> {
  const sink = memoryJournal();
  const journal = await Journal.open(sink, header, nodeHasher);
  const pricer = localPricer(model, chunks, { groupSize });
  let mask = Mask.empty;
  for (const [at, candidate] of order.entries()) {
    const input = { model, chunks, journal, pricer, step: at + 1, mask, candidates: [candidate] };
    const { result } = await drain(measureStep(input, new ExactStep(input)));
    await journal.addStep(at + 1, candidate.name, result.scored[0].perplexity.ppl);
    mask = mask.with(candidate.blocks);
  }
  await pricer.close();
  return sink.all;
}

const numbersOf = (events: readonly SearchEvent[]): unknown[] =>
  events.flatMap((event): unknown[] => {
    if (event.type === 'step') return [event.removed, event.candidates, event.ratios];
    return event.type === 'dense' || event.type === 'done' ? [event] : [];
  });

const worksOf = (events: readonly SearchEvent[]): RowPasses[] =>
  events.filter((event) => event.type === 'step').map(({ work }) => work);

describe('an order decided beforehand', () => {
  test.prop([someCase, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })], { numRuns: 25 })(
    'costs one walk of the model a step, from the second on',
    async (one, count, groupSize) => {
      const model = await load(one.shape);
      const chunks = tinyChunks(one.shape.seed, count, 5);
      const works = worksOf((await ordered(model, chunks, one, groupSize)).events);
      expect(works).toHaveLength(one.order.length);
      const rows = count * 5;
      let mask = Mask.empty;
      for (const [at, work] of works.entries()) {
        const before = walkOf(model.config, mask).length;
        mask = mask.with(one.order[at].blocks);
        const left = walkOf(model.config, mask).length;
        // The first step has the dense model to measure too.
        if (at === 0) expect(work.done).toBeLessThanOrEqual((before + left) * rows);
        else expect(work).toEqual({ done: left * rows, exact: left * rows, naive: left * rows });
      }
    },
  );

  test.prop([someCase, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })], { numRuns: 15 })(
    'resumes from what an older version measured, at any line, to the same bits',
    async (one, groupSize, other) => {
      const model = await load(one.shape);
      const chunks = tinyChunks(one.shape.seed, 3, 5);
      const fresh = await ordered(model, chunks, one, groupSize);
      const older = await olderJournal(model, chunks, one, groupSize);
      for (let kept = 1; kept <= older.length; kept++) {
        const again = await ordered(model, chunks, one, other, older.slice(0, kept));
        expect(numbersOf(again.events)).toEqual(numbersOf(fresh.events));
        // What the older version did is kept, and not done again.
        expect(again.lines.slice(0, kept)).toEqual(older.slice(0, kept));
      }
      const whole = await ordered(model, chunks, one, other, older);
      expect(whole.lines).toEqual(older);
      for (const [at, work] of worksOf(whole.events).entries()) {
        if (at > 0) expect(work.done).toBeGreaterThanOrEqual(work.exact);
      }
    },
  );

  test.prop([someCase], { numRuns: 15 })('writes what the older version would, but for the passes', async (one) => {
    const model = await load(one.shape);
    const chunks = tinyChunks(one.shape.seed, 3, 5);
    const plain = (lines: readonly string[]): unknown[] =>
      lines.slice(1).map((line) => ({ ...(JSON.parse(line) as object), seconds: 0, passes: 0, sum: '' }));
    const [fresh, older] = [await ordered(model, chunks, one, 2), await olderJournal(model, chunks, one, 2)];
    expect(plain(fresh.lines)).toEqual(plain(older));
  });

  it('refuses an older journal whose candidates are another order’s', async () => {
    const layers = [
      { mha: true, width: 8 },
      { mha: false, width: 5 },
    ];
    const shape: UnevenShape = { family: 'llama', seed: 4, layers };
    const model = await load(shape);
    const chunks = tinyChunks(4, 2, 5);
    const order = candidatesLeft('mix', model.config, Mask.empty);
    const older = await olderJournal(model, chunks, { shape, kind: 'mix', order }, 1);
    const reversed = { shape, kind: 'mix', order: order.toReversed() } as const;
    await expect(ordered(model, chunks, reversed, 1, older)).rejects.toThrow(FormatError);
  });
});
