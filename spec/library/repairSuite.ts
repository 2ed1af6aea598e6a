/** The facade's `repair`, and what takes its result: part of `modelSuite`. */
import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type {
  Model,
  PerplexityResult,
  RepairEvent,
  RepairResult,
  RepairSettings,
  Run,
} from '../../src/library/model.ts';
import { Mask } from '../../src/model/mask.ts';
import { eventsOf, failing, usingModel, type Fixtures } from './fixtures.ts';

/** All but what a run took: a resumed one takes less. */
function outcome({ document, tensors }: RepairResult): unknown {
  return [JSON.stringify(document, (key, value: unknown) => (key === 'seconds' ? 0 : value)), [...tensors]];
}

export function repairSuite(fixtures: Fixtures): void {
  const { newJournal, golden, text, errors } = fixtures;
  const { DataError, FormatError, JournalMismatchError, MaskError, MemoryBudgetError, UsageError } = errors;
  const using = usingModel(fixtures);
  // Blocks that count, unlike the first of the golden order.
  const mask = ['L1.mlp', 'L4.mha'];
  const other = text.slice(900, 1800);
  const settings = { mask, data: text, tokens: 1024, chunk: 64, eval: other } as const;
  /** One that takes little time. */
  const small = { mask, data: text, tokens: 256, chunk: 32, scope: 'cuts' } as const;

  describe('repair', () => {
    it('gives its events, and awaited its document and the fitted tensors', async () => {
      await using(async (model) => {
        const run = model.repair(settings);
        const events = await eventsOf(run);
        const { document, tensors } = await run;
        const { repair, removed, backend } = document;
        expect(removed).toEqual(mask);
        expect(backend).toBe(model.backend.description);
        expect(repair.settings).toEqual({ form: 'refit', scope: 'all', factors: [0.3, 1, 3] });
        expect([...tensors.keys()]).toEqual(repair.tensors.map(({ name }) => name));
        expect(tensors.size).toBeGreaterThan(0);
        for (const { name, shape } of repair.tensors) expect(tensors.get(name)).toHaveLength(shape[0] * shape[1]);
        const fits = events.flatMap((event) => (event.type === 'repaired' ? [event.fit] : []));
        expect(fits).toEqual(repair.blocks);
        const fractions = events.flatMap((event) => (event.type === 'repairing' ? [event.fraction] : []));
        expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
        const blocks = new Set(events.flatMap((event) => (event.type === 'repairing' ? [event.block] : [])));
        expect([...blocks]).toEqual(fits.map(({ block }) => block));
        expect(document.repair.whole.repaired.ppl).toBeLessThan(document.repair.whole.pruned.ppl ?? NaN);
        // The model itself is as it was.
        expect((await model.perplexity(other, { chunk: 64 })).ppl).toBe(repair.evaluation?.dense.ppl);
      });
    });

    it('is what perplexity then measures, to the last bit, and its result says so', async () => {
      await using(async (model) => {
        const repair = await model.repair(settings);
        const { evaluation, tensors, settings: own } = repair.document.repair;
        const found = await model.perplexity(other, { chunk: 64, repair });
        expect(found.ppl).toBe(evaluation?.repaired.ppl);
        expect(found.mask).toBe(mask.join(','));
        expect(found.repair).toEqual({
          form: own.form,
          scope: own.scope,
          tensors: tensors.map(({ name, sha256 }) => ({ name, sha256 })),
        });
        const pruned = await model.perplexity(other, { chunk: 64, mask });
        expect(pruned.ppl).toBe(evaluation?.pruned.ppl);
        expect(pruned).not.toHaveProperty('repair');
        expect((await model.perplexity(other, { chunk: 64 })).ppl).toBe(evaluation?.dense.ppl);
      });
    });

    it('a scale is measured as it was made, by the numbers of its document', async () => {
      await using(async (model) => {
        const repair = await model.repair({ ...settings, form: 'scale', scope: 'cuts' });
        const { blocks, evaluation } = repair.document.repair;
        const measured = (given: RepairResult): Promise<PerplexityResult> =>
          model.perplexity(other, { chunk: 64, repair: given });
        expect(repair.tensors.size).toBe(0);
        expect((await measured(repair)).ppl).toBe(evaluation?.repaired.ppl);
        // This model's own numbers are next to 1.
        const doubled = blocks.map((fit) => ({ ...fit, scale: 2 }));
        const document = { ...repair.document, repair: { ...repair.document.repair, blocks: doubled } };
        const found = await measured({ document, tensors: new Map() });
        expect(found.repair?.scales).toEqual(doubled.map(({ block, scale }) => ({ block, scale })));
        expect(found.ppl).not.toBeCloseTo(evaluation?.pruned.ppl ?? NaN, 3);
      });
    });

    it('calls with and without it, one repair or another, do not see each other', async () => {
      await using(async (model) => {
        const repairs: (RepairResult | undefined)[] = [undefined];
        for (const removed of [mask, ['L2.mha', 'L3.mlp']])
          repairs.push(await model.repair({ ...small, mask: removed }));
        const measured = async (repair: RepairResult | undefined): Promise<[number, string]> => {
          const { ppl } = await model.perplexity(other, { chunk: 64, repair });
          return [ppl, await model.generate('The king', { maxTokens: 4, repair })];
        };
        const alone: [number, string][] = [];
        for (const repair of repairs) alone.push(await measured(repair));
        expect(new Set(alone.map(([ppl]) => ppl)).size).toBe(3);
        const order = fc.array(fc.nat(2), { minLength: 2, maxLength: 5 });
        await fc.assert(
          fc.asyncProperty(order, async (chosen) => {
            const together = await Promise.all(chosen.map((index) => measured(repairs[index])));
            expect(together).toEqual(chosen.map((index) => alone[index]));
          }),
          { numRuns: 4 },
        );
      });
    });

    it('takes every form, scope and ridge, and a mask in every shape', async () => {
      await using(async (model) => {
        const chosen = async (given: Partial<RepairSettings>): Promise<RepairResult> =>
          model.repair({ ...small, ...given });
        const of = async (given: Partial<RepairSettings>): Promise<unknown> =>
          (await chosen(given)).document.repair.settings;
        expect(await of({ form: 'scale', scope: undefined })).toMatchObject({ form: 'scale', scope: 'cuts' });
        expect(await of({ form: 'replaceme', ridge: [2, 0.5, 2] })).toEqual({
          form: 'replaceme',
          scope: 'cuts',
          factors: [0.5, 2],
        });
        const plain = outcome(await chosen({}));
        expect(outcome(await chosen({ mask: mask.join(',') }))).toEqual(plain);
        expect(outcome(await chosen({ mask: Mask.parse(mask.join(','), model.config) }))).toEqual(plain);
      });
    });

    it('comes to the same bits in little memory and in much', async () => {
      const found: unknown[] = [];
      for (const memoryBytes of [2 ** 24, 2 ** 27]) {
        await using(async (model) => found.push(outcome(await model.repair(small))), { memoryBytes });
      }
      expect(found[1]).toEqual(found[0]);
    });

    it('goes on from its journal with the same result, and starts over when asked', async () => {
      await using(async (model) => {
        const journal = newJournal();
        const controller = new AbortController();
        const cut = async (): Promise<void> => {
          const run = model.repair({ ...settings, journal, signal: controller.signal });
          for await (const event of run) if (event.type === 'repaired') controller.abort();
        };
        await expect(cut()).rejects.toMatchObject({ name: 'AbortError' });
        const resumed = await model.repair({ ...settings, journal });
        const straight = outcome(await model.repair(settings));
        expect(outcome(resumed)).toEqual(straight);
        expect(outcome(await model.repair({ ...settings, journal, fresh: true }))).toEqual(straight);
        expect(await failing(model.repair({ ...settings, tokens: 512, journal }))).toBeInstanceOf(JournalMismatchError);
        // What cannot be repaired discards no journal.
        expect(await failing(model.repair({ ...settings, mask: [], journal, fresh: true }))).toBeInstanceOf(UsageError);
        expect(outcome(await model.repair({ ...settings, journal }))).toEqual(straight);
      });
    });

    it('ends when its loop is left, or when its signal says so, and the next call is answered', async () => {
      await using(async (model) => {
        const run: Run<RepairEvent, RepairResult> = model.repair(settings);
        for await (const event of run) if (event.type === 'repairing') break;
        expect(await failing(run)).toMatchObject({ name: 'AbortError' });
        const reason = new RangeError('enough');
        expect(await failing(model.repair({ ...settings, signal: AbortSignal.abort(reason) }))).toBe(reason);
        expect((await model.perplexity(other)).ppl).toBeGreaterThan(1);
      });
    });

    it('warns of less text than a matrix has inputs', async () => {
      await using(async (model) => {
        const events = await eventsOf(model.repair({ ...small, tokens: 16, chunk: 8 }));
        const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
        expect(warnings).toHaveLength(1);
        expect(warnings[0]).toMatch(/^8 tokens are fitted, fewer than the \d+ inputs/);
      });
    });

    it('is healed from: its weights are trained on, and the document says so', async () => {
      await using(async (model) => {
        const repair = await model.repair(settings);
        const few = { data: text, valid: other, chunk: 64, steps: 1, rank: 2, seqLen: 32, accumulate: 1 } as const;
        const { document } = await model.heal({ ...few, repair });
        const { evaluation } = repair.document.repair;
        expect(document.mask).toBe(mask.join(','));
        expect(document.repair).toEqual((await model.perplexity(other, { chunk: 64, repair })).repair);
        expect(document.repaired?.ppl).toBeCloseTo(evaluation?.repaired.ppl ?? NaN, 3);
        expect(document.pruned.ppl).toBeCloseTo(evaluation?.pruned.ppl ?? NaN, 3);
        const alone = await model.heal({ ...few, mask });
        expect(alone.document).not.toHaveProperty('repair');
        expect(document.healed.ppl).toBeLessThan(alone.document.healed.ppl ?? NaN);
      });
    });

    it('too little memory is said in bytes', async () => {
      await using(
        async (model) => {
          const error = await failing(model.repair(small));
          expect(error).toBeInstanceOf(MemoryBudgetError);
          expect((error as Error).message).toMatch(/Raise memoryBytes to \d+ or more/);
        },
        { memoryBytes: 2 ** 20 },
      );
    });
  });

  describe('errors of repair', () => {
    type Case = [string, new (...args: never[]) => Error, RegExp, (model: Model) => PromiseLike<unknown>];
    const having = (given: object) => (model: Model) => model.repair({ ...small, ...given } as RepairSettings);
    const wrong: Case[] = [
      ['nothing removed', UsageError, /no block is removed/, having({ mask: [] })],
      ['no mask', UsageError, /no block is removed/, having({ mask: undefined })],
      ['everything removed', UsageError, /no block is left/, having({ mask: golden.order })],
      ['a block that is not there', MaskError, /L6\.mha/, having({ mask: 'L6.mha' })],
      ['no data', UsageError, /data: is neither text/, having({ data: undefined })],
      ['an empty text', DataError, /is empty/, having({ data: ' ' })],
      ['a text to measure on that is none', UsageError, /is neither text/, having({ eval: 7 })],
      ['overlapping chunks', DataError, /overlap.* Leave stride out\./, having({ stride: 16 })],
      ['another scope', UsageError, /^scope: must be one of all, cuts/, having({ scope: 'some' })],
      ['another form', UsageError, /^form: must be one of refit, replaceme, scale/, having({ form: 'lora' })],
      [
        'a scale of every block',
        UsageError,
        /form: 'scale' goes with scope: 'cuts'/,
        having({ form: 'scale', scope: 'all' }),
      ],
      [
        'a ridge of a scale',
        UsageError,
        /^ridge does not go with form: 'scale'/,
        having({ form: 'scale', ridge: [1] }),
      ],
      ['no ridge', UsageError, /^ridge: must be a list of numbers above 0/, having({ ridge: [] })],
      ['a ridge below 0', UsageError, /^ridge: must be/, having({ ridge: [1, -1] })],
      ['a ridge of 0', UsageError, /^ridge: must be/, having({ ridge: [0, 1] })],
      ['a ridge that is no number', UsageError, /^ridge: must be/, having({ ridge: [NaN] })],
      ['a ridge that is no list', UsageError, /^ridge: must be a list.*, not 1\./, having({ ridge: 1 })],
      ['a number as a journal', UsageError, /^journal: must be a text/, having({ journal: 1 })],
      ['a word for fresh', UsageError, /^fresh: must be true or false/, having({ fresh: 'yes' })],
      ['a misspelled option', UsageError, /ridges: there is no such/, having({ ridges: [1] })],
      ['a convention of other windows', UsageError, /convention|chunk/, having({ convention: 'hf-stride' })],
    ];

    it('are of the family and in the library’s words; the model serves on', async () => {
      await using(async (model) => {
        for (const [what, kind, message, call] of wrong) {
          const error = await failing(call(model));
          expect(error, what).toBeInstanceOf(kind);
          expect((error as Error).message, what).toMatch(message);
          expect((error as Error).message, what).not.toMatch(/--/);
        }
        expect((await model.perplexity(other)).ppl).toBeGreaterThan(1);
      });
    });

    it('a result that is not this model’s, or not what was given, is refused by every call', async () => {
      await using(async (model) => {
        const good = await model.repair(small);
        const { document, tensors } = good;
        const [[name, values]] = tensors;
        const others = new Map([...tensors, [name, values.map((value) => value + 1)]]);
        const without = new Map([...tensors].slice(1));
        const foreign = { ...document, model: { ...document.model, contentHash: '0'.repeat(64) } };
        const unread = { ...document, repair: { ...document.repair, mask: 7 } };
        const bad: [string, new (...args: never[]) => Error, RegExp, object][] = [
          ['no object', UsageError, /^repair: must be what repair gave, not 'mine'/, { repair: 'mine' }],
          ['no document', UsageError, /document/, { repair: { tensors } }],
          ['only a document', UsageError, /its tensors/, { repair: { document } }],
          ['no tensors', UsageError, /tensors: must be a Map/, { repair: { document, tensors: {} } }],
          ['a mask beside it', UsageError, /^mask and repair both/, { repair: good, mask }],
          [
            'another model’s',
            UsageError,
            /belongs to a model whose weights/,
            { repair: { document: foreign, tensors } },
          ],
          [
            'other values',
            UsageError,
            new RegExp(`other values of ${name}`),
            { repair: { document, tensors: others } },
          ],
          ['a tensor less', UsageError, /other values of/, { repair: { document, tensors: without } }],
          ['a damaged document', FormatError, /does not say which blocks/, { repair: { document: unread, tensors } }],
        ];
        for (const [what, kind, message, given] of bad) {
          const calls = [
            model.perplexity(other, given),
            model.generate('a', given),
            model.heal({ data: text, valid: other, ...given }),
          ];
          for (const call of calls) {
            const error = await failing(call);
            expect(error, what).toBeInstanceOf(kind);
            expect((error as Error).message, what).toMatch(message);
          }
        }
        expect((await model.perplexity(other, { repair: good })).ppl).toBeGreaterThan(1);
      });
    });
  });
}
