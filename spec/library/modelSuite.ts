/**
 * One suite for the facade wherever it runs: in the process, behind messages, in a browser. It
 * knows no file and no URL: what it runs on is handed in.
 */
import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Model, PerplexityResult, PruneEvent, Run } from '../../src/library/model.ts';
import { Mask } from '../../src/model/mask.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { eventsOf, failing, usingModel, type Fixtures } from './fixtures.ts';
import { repairSuite } from './repairSuite.ts';

/** All but what a run took: a resumed one takes less. */
function outcome(result: PruneResult): unknown {
  return {
    ...result,
    seconds: null,
    provenance: null,
    decode: null,
    work: null,
    steps: result.steps.map((step) => ({ ...step, work: null })),
  };
}

export function modelSuite(fixtures: Fixtures): void {
  const { open, newJournal, golden, text, errors: kinds } = fixtures;
  const { DataError, DisposedError, JournalMismatchError, MaskError, MemoryBudgetError, UsageError } = kinds;
  const [whole, start] = golden.scores;
  const { tokens } = start;
  const search = { data: text, tokens, blocks: 3 } as const;
  const using = usingModel(fixtures);

  it('says what it is and what runs', async () => {
    await using(async (model) => {
      expect(model.description).toMatch(/planted \(safetensors\)$/);
      expect(model).toMatchObject({ warnings: [], tokenizerNote: null });
      expect(model.config).toMatchObject({ family: 'llama', vocabSize: 256 });
      expect(model.parameters.total).toBeGreaterThan(model.parameters.blocks);
      expect(model.backend.description).toMatch(/^simd \(.+, 1 thread\)$/);
      expect(model.backend.why).toMatch(/^simd is .+\.$/);
      expect(model.tokenizer).toMatchObject({ vocabSize: 256, bosTokenId: null, addsBos: false });
    });
  });

  describe('perplexity', () => {
    it('is the golden one, with its convention, data and backend', async () => {
      await using(async (model) => {
        const dense = await model.perplexity(text, { tokens });
        expect(Math.abs(dense.ppl / start.dense - 1)).toBeLessThan(1e-5);
        expect(dense).toMatchObject({ mask: '', backend: model.backend.description, nonFinite: null });
        expect(dense.convention).toMatchObject({ chunk: golden.convention.chunk, nllSum: 'f64' });
        expect(dense.data).toMatchObject({ name: 'text', chunks: start.chunks });
        const all = await model.perplexity(text);
        expect(Math.abs(all.ppl / whole.dense - 1)).toBeLessThan(1e-5);
        expect(all.data).toMatchObject({ chunks: whole.chunks, wholeText: true });
      });
    });

    it('takes a mask as a text, a list or a Mask', async () => {
      await using(async (model) => {
        const blocks = golden.order.slice(0, 2);
        const { config } = model;
        const masks = [blocks.join(','), blocks, Mask.parse(blocks.join(','), config)];
        for (const mask of masks) {
          const found = await model.perplexity(text, { tokens, mask });
          expect(Math.abs(found.ppl / start.after[1] - 1)).toBeLessThan(1e-5);
          expect(found.mask).toBe(blocks.join(','));
        }
      });
    });

    it('of a text, its file, its parts and its ids is the same to the last bit', async () => {
      await using(async (model) => {
        const part = text.slice(0, 700);
        const plain = await model.perplexity(part);
        const ids = (await model.tokenizer?.encode(part)) ?? [];
        expect(await model.tokenizer?.decode(ids)).toBe(part);
        const same = (found: PerplexityResult): void => expect(found.ppl).toBe(plain.ppl);
        same(await model.perplexity({ name: 'part.txt', content: part }));
        same(await model.perplexity(ids));
        same(await model.perplexity(Int32Array.from(ids)));
        same(await model.perplexity({ name: 'rows.jsonl', content: JSON.stringify({ body: part }), field: 'body' }));
        await fc.assert(
          fc.asyncProperty(fc.array(fc.nat(part.length), { maxLength: 4 }), async (places) => {
            const cuts = [0, ...places.toSorted((a, b) => a - b), part.length];
            const texts = cuts.slice(1).map((end, index) => part.slice(cuts[index], end));
            same(await model.perplexity(texts, { join: '' }));
          }),
          { numRuns: 5 },
        );
      });
    });

    it('takes what differs from the defaults into its convention', async () => {
      await using(async (model) => {
        const settings = { chunk: 64, stride: 32, tokens: 256, join: ' ', nllSum: 'f32' } as const;
        // Weights that stay loaded add up as the call says, not as the one before did.
        expect((await model.perplexity(text, { tokens: 256 })).convention.nllSum).toBe('f64');
        const found = await model.perplexity(['one '.repeat(50), 'two '.repeat(50)], settings);
        expect(found.convention).toMatchObject({ chunk: 64, stride: 32, join: ' ', nllSum: 'f32' });
        expect(found.data.chunks).toBe(7);
      });
    });
  });

  describe('prune', () => {
    it('gives its events, and awaited its result', async () => {
      await using(async (model) => {
        const run = model.prune(search);
        const events = await eventsOf(run);
        const result = await run;
        expect(result.removed).toEqual(golden.order.slice(0, 3));
        expect(result).toMatchObject({ backend: model.backend.description, kind: 'mix', data: { name: 'text' } });
        for (const [index, { ppl }] of result.steps.entries()) {
          expect(Math.abs((ppl ?? NaN) / start.after[index] - 1)).toBeLessThan(1e-4);
        }
        const types = new Set(events.map(({ type }) => type));
        expect([...types]).toEqual(expect.arrayContaining(['start', 'progress', 'dense', 'step', 'done']));
        expect(events.filter(({ type }) => type === 'step')).toHaveLength(3);
        const last = events.at(-1);
        expect(last?.type === 'done' && last.mask).toBe(result.removed.join(','));
        // The mask that was found goes into the next call as it is.
        const masked = await model.perplexity(text, { tokens, mask: result.removed });
        expect(masked.ppl).toBe(result.steps.at(-1)?.ppl);
      });
    });

    it('gives its result without a loop, and to everyone who awaits it', async () => {
      await using(async (model) => {
        const run = model.prune(search);
        const [one, other] = await Promise.all([run, run]);
        expect(one.removed).toEqual(golden.order.slice(0, 3));
        expect(other).toBe(one);
        // Its events are still there: all but progress that later progress replaced.
        const events = await eventsOf(run);
        expect(events.filter(({ type }) => type === 'step')).toHaveLength(3);
      });
    });

    it('is read by one loop only', async () => {
      await using(async (model) => {
        const run = model.prune(search);
        await eventsOf(run);
        await expect(eventsOf(run)).rejects.toThrow(UsageError);
      });
    });

    it('ends when its loop is left, and the next call is answered', async () => {
      await using(async (model) => {
        const run = model.prune({ ...search, blocks: 12 });
        for await (const event of run) if (event.type === 'step') break;
        expect(await failing(run)).toMatchObject({ name: 'AbortError' });
        expect((await model.perplexity(text, { tokens })).scoredTokens).toBeGreaterThan(0);
      });
    });

    it('lets other calls be made in its loop: they wait for its end', async () => {
      await using(async (model) => {
        const later: Promise<PerplexityResult>[] = [];
        const run = model.prune(search);
        for await (const event of run) if (event.type === 'step') later.push(model.perplexity(text, { tokens }));
        const { dense } = await run;
        for (const { ppl } of await Promise.all(later)) expect(ppl).toBe(dense.ppl);
      });
    });

    it.each([
      ['layers', { kind: 'layer', blocks: 2 }, /^L\d\.mha,L\d\.mlp$/],
      ['MLP blocks', { kind: 'mlp', blocks: 1 }, /^L\d\.mlp$/],
    ] as const)('removes %s', async (_, settings, name) => {
      await using(async (model) => {
        const { steps } = await model.prune({ ...search, ...settings });
        expect(steps[0].removed).toMatch(name);
      });
    });

    it('stops by a share of parameters or a perplexity, and races', async () => {
      await using(async (model) => {
        const base = { data: text, tokens } as const;
        expect((await model.prune({ ...base, maxPpl: start.after[2] * 1.0001 })).removed).toHaveLength(3);
        expect((await model.prune({ ...base, ratio: 0.05 })).stoppedBy).toBe('ratio');
        expect((await model.prune({ ...base, ratio: 0.2, ratioOf: 'depth' })).removed).toHaveLength(3);
        const raced = await model.prune({ ...base, blocks: 1, search: 'race', confidence: 0.9, seed: 3 });
        expect(raced.race).toEqual({ confidence: 0.9, seed: 3 });
      });
    });

    it.each([
      ['block-influence', {}],
      ['magnitude', {}],
      ['taylor', {}],
      ['random', { seed: 5 }],
    ] as const)('removes in the order of %s', async (method, settings) => {
      await using(async (model) => {
        const short = { data: text, tokens: 256, blocks: 2, method } as const;
        const events = await eventsOf(model.prune({ ...short, ...settings }));
        const scored = events.find(({ type }) => type === 'scored');
        expect(scored?.type === 'scored' ? scored.scores.length : 12).toBe(12);
        const result = await model.prune({ ...short, ...settings });
        expect(result.method).toMatchObject({ name: method, settings });
        expect(result.removed).toHaveLength(2);
      });
    });

    it.each(['end', 'each'] as const)('repairs (%s), and goes on with that from its journal', async (repair) => {
      await using(async (model) => {
        const journal = newJournal();
        const few = { data: text, tokens: 256, chunk: 32, blocks: 2, kind: 'mlp', repairScope: 'cuts' } as const;
        const leaders = repair === 'each' ? 2 : undefined;
        const run = model.prune({ ...few, repair, leaders, eval: text.slice(0, 900), journal });
        const events = await eventsOf(run);
        const result = await run;
        expect(events.some(({ type }) => type === 'repaired')).toBe(true);
        expect(result.repair).toMatchObject({
          when: repair,
          mask: result.removed.join(','),
          settings: { scope: 'cuts' },
        });
        expect(result.repair?.evaluation?.data.chunks).toBeGreaterThan(0);
        expect(result.steps.every((step) => step.repair?.leaders.length === leaders)).toBe(true);
        const again = await model.prune({ ...few, repair, leaders, eval: text.slice(0, 900), journal });
        expect(again.repair?.whole).toEqual(result.repair?.whole);
        expect(again.removed).toEqual(result.removed);
      });
    });

    it('tells its plan first where it is asked to, and comes to the same', async () => {
      await using(async (model) => {
        const events = await eventsOf(model.prune({ ...search, plan: true }));
        const [first] = events;
        expect(first).toMatchObject({ type: 'plan', done: 0, plan: { candidates: 12, steps: { most: 3, least: 3 } } });
        expect(first.type === 'plan' && first.plan.seconds.total).toBeGreaterThan(0);
        const plain = await eventsOf(model.prune(search));
        expect(plain.some(({ type }) => type === 'plan')).toBe(false);
        const stepsOf = (all: typeof plain): unknown => all.filter(({ type }) => type === 'step');
        expect(stepsOf(events)).toEqual(stepsOf(plain));
      });
    });

    it('measures every step on a held-out text, as the command line names it', async () => {
      await using(async (model) => {
        const few = { data: text, tokens: 256, chunk: 32, blocks: 2, kind: 'mlp' } as const;
        const result = await model.prune({ ...few, eval: text.slice(300) });
        const mask = result.removed.join(',');
        const again = await model.perplexity(text.slice(300), { tokens: 256, chunk: 32, mask });
        expect(result.evaluation).toMatchObject({ of: 'pruned', data: { hash: again.data.hash } });
        expect(result.steps.map(({ evaluation }) => evaluation?.ppl)).toEqual([expect.any(Number), again.ppl]);
      });
    });

    it('goes on from its journal with the same result, and starts over when asked', async () => {
      await using(async (model) => {
        const journal = newJournal();
        const controller = new AbortController();
        const cut = async (): Promise<void> => {
          const run = model.prune({ ...search, journal, signal: controller.signal });
          for await (const event of run) if (event.type === 'step') controller.abort();
        };
        await expect(cut()).rejects.toMatchObject({ name: 'AbortError' });
        const progress = async (run: Run<PruneEvent, PruneResult>): Promise<[number, PruneResult]> => {
          const first = (await eventsOf(run)).filter(({ type }) => type === 'progress').length;
          return [first, await run];
        };
        const [, resumed] = await progress(model.prune({ ...search, journal }));
        const [none, again] = await progress(model.prune({ ...search, journal }));
        const [some, fresh] = await progress(model.prune({ ...search, journal, fresh: true }));
        expect(none).toBe(0);
        expect(some).toBeGreaterThan(0);
        const whole3 = await model.prune(search);
        for (const result of [resumed, again, fresh]) expect(outcome(result)).toEqual(outcome(whole3));
        const other = await failing(model.prune({ ...search, tokens: 256, journal }));
        expect(other).toBeInstanceOf(JournalMismatchError);
        expect((other as Error).message).not.toMatch(/--/);
      });
    });
  });

  describe('generate', () => {
    it('streams the text that it gives as a whole', async () => {
      await using(async (model) => {
        const run = model.generate('The king', { maxTokens: 12 });
        const pieces = await eventsOf(run);
        expect(pieces.join('')).toBe(await run);
        const { ids, text: again, stoppedBy } = await run.completion();
        expect(again).toBe(await run);
        expect(ids).toHaveLength(12);
        expect(stoppedBy).toBe('max tokens');
        expect(await model.generate('The king', { maxTokens: 12 })).toBe(again);
      });
    });

    it('draws the same from the same seed, and hears masks and settings', async () => {
      await using(async (model) => {
        const settings = { maxTokens: 16, temperature: 2, topK: 50, topP: 0.99, seed: 7 } as const;
        const drawn = await model.generate('The king', settings);
        expect(await model.generate('The king', settings)).toBe(drawn);
        expect(await model.generate('The king', { ...settings, seed: 8 })).not.toBe(drawn);
        const mask = golden.order.join(',');
        expect(await model.generate('The king', { ...settings, mask })).not.toBe(drawn);
      });
    });
  });

  describe('generate with stop strings', () => {
    it('ends before one, and says why', async () => {
      await using(async (model) => {
        const settings = { maxTokens: 24, temperature: 1, seed: 3 } as const;
        const endless = await model.generate('The king', settings);
        const stop = endless.slice(6, 9);
        const run = model.generate('The king', { ...settings, stop });
        const pieces = await eventsOf(run);
        const completion = await run.completion();
        expect(completion).toMatchObject({ stoppedBy: 'stop string', stopString: stop, endTokenId: null });
        expect(completion.text).toBe(endless.slice(0, endless.indexOf(stop)));
        expect(pieces.join('')).toBe(completion.text);
        expect(await model.generate('The king', { ...settings, stop: ['\u0000', stop] })).toBe(completion.text);
        const failed = await failing(model.generate('a', { stop: '' }));
        expect(failed).toBeInstanceOf(UsageError);
        expect((failed as Error).message).toBe('stop: is empty, which would end every text. Leave it out.');
        const wrong = await failing(model.generate('a', { stop: 7 as unknown as string }));
        const chat = await failing(model.generate('a', { chat: true }));
        expect((chat as Error).message).toMatch(/^chat: true: the model has no chat template\. Leave chat: true out/);
        const system = await failing(model.generate('a', { system: 'b' }));
        expect((system as Error).message).toBe('system goes with chat: true.');
        expect((wrong as Error).message).toMatch(/^stop: must be a text or a list of texts, not 7/);
      });
    });
  });

  repairSuite(fixtures);

  describe('heal', () => {
    it('trains adapters on a pruned model, and gives the healed one as files', async () => {
      await using(async (model) => {
        const mask = golden.order.slice(0, 4);
        const settings = {
          mask,
          data: text,
          valid: text,
          tokens,
          steps: 2,
          rank: 2,
          seqLen: 32,
          accumulate: 1,
          seed: 3,
        };
        const run = model.heal(settings);
        const types = (await eventsOf(run)).map(({ type }) => type);
        expect(types).toEqual(expect.arrayContaining(['start', 'step', 'scored']));
        const { document, files } = await run;
        expect(document).toMatchObject({ mask: mask.join(','), trainedOn: 'text', measuredOn: 'text' });
        expect(document.dense.ppl).toBeCloseTo(start.dense, 3);
        expect(document.pruned.ppl).toBeCloseTo(start.after[3], 3);
        expect(Object.keys(files).toSorted()).toEqual(
          expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
        );
        // The same seed heals to the same bytes, and the model is as it was.
        const again = await model.heal(settings);
        expect(again.document.contentHash).toBe(document.contentHash);
        expect(again.files['model.safetensors']).toEqual(files['model.safetensors']);
        expect((await model.perplexity(text, { tokens })).ppl).toBeCloseTo(start.dense, 3);
      });
    });

    it('ends when its loop is left', async () => {
      await using(async (model) => {
        const run = model.heal({ mask: golden.order[0], data: text, valid: text, tokens, seqLen: 16, rank: 1 });
        for await (const event of run) if (event.type === 'step') break;
        expect(await failing(run)).toMatchObject({ name: 'AbortError' });
      });
    });
  });

  describe('an aborted call', () => {
    it('never begins before its turn, and says so at once', async () => {
      await using(async (model) => {
        const first = model.perplexity(text);
        const controller = new AbortController();
        const waiting = model.perplexity(text, { signal: controller.signal });
        controller.abort();
        let done = false;
        void first.then(() => (done = true));
        await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
        expect(done).toBe(false);
        expect((await first).ppl).toBeGreaterThan(1);
        const late = model.generate('a', { signal: controller.signal });
        await expect(late).rejects.toMatchObject({ name: 'AbortError' });
      });
    });

    it('ends while it computes, with the reason that was given, and leaves the model as it was', async () => {
      await using(async (model) => {
        const before = await model.perplexity(text, { tokens });
        const controller = new AbortController();
        const reason = new RangeError('enough');
        const calls = [
          () => model.perplexity(text.repeat(50), { signal: controller.signal }),
          () => model.prune({ data: text, blocks: 12, signal: controller.signal }),
        ];
        const long = calls[0]();
        setTimeout(() => controller.abort(reason), 5);
        expect(await failing(long)).toBe(reason);
        expect(await failing(calls[1]())).toBe(reason);
        expect((await model.perplexity(text, { tokens })).ppl).toBe(before.ppl);
      });
    });
  });

  it('calls made at once run one after the other, as they would alone', async () => {
    await using(async (model) => {
      const parts = [0, 1, 2].map((part) => text.slice(600 * part, 600 * part + 600));
      const calls: (() => PromiseLike<unknown>)[] = [
        ...parts.map((part) => async () => (await model.perplexity(part)).ppl),
        async () => (await model.perplexity(parts[0], { mask: golden.order[0], nllSum: 'f32' })).ppl,
        () => model.generate('Speak', { maxTokens: 4 }),
        async () => (await model.prune({ data: parts[1], blocks: 1 })).removed,
        async () => model.tokenizer?.encode('Speak'),
      ];
      const alone: unknown[] = [];
      for (const call of calls) alone.push(await call());
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(calls.length - 1), { minLength: 2, maxLength: 6 }), async (chosen) => {
          const order: number[] = [];
          const together = chosen.map(async (call, index) => {
            const found = await calls[call]();
            order.push(index);
            return found;
          });
          expect(await Promise.all(together)).toEqual(chosen.map((call) => alone[call]));
          // An encoding takes no turn: its caller may hear of it before the one before it.
          const computed = order.filter((index) => chosen[index] < calls.length - 1);
          expect(computed).toEqual(computed.toSorted((a, b) => a - b));
        }),
        { numRuns: 6 },
      );
    });
  });

  describe('errors', () => {
    const wrong: [string, new (...args: never[]) => Error, RegExp, (model: Model) => PromiseLike<unknown>][] = [
      ['a block that is not there', MaskError, /L6\.mha/, (model) => model.perplexity(text, { mask: 'L6.mha' })],
      ['no text', DataError, /text: is empty/, (model) => model.perplexity(' ')],
      ['no texts', DataError, /is empty/, (model) => model.perplexity([])],
      ['no id', DataError, /ids: entry 1 is -1/, (model) => model.perplexity([1, -1])],
      ['an id outside', DataError, /300/, (model) => model.perplexity(Array.from({ length: 300 }, () => 300))],
      ['a mixture', UsageError, /neither/, (model) => model.perplexity([1, 'a'] as unknown as string[])],
      ['no data', UsageError, /data: is neither text/, (model) => model.perplexity(null as unknown as string)],
      ['a short text', DataError, /lower chunk\./, (model) => model.perplexity('short', { chunk: 64 })],
      ['a long chunk', DataError, /Lower chunk\./, (model) => model.perplexity(text, { chunk: 100_000 })],
      [
        'half a chunk',
        UsageError,
        /chunk: must be a whole number from 2 on/,
        (model) => model.perplexity(text, { chunk: 2.5 }),
      ],
      ['another file', DataError, /x\.pdf/, (model) => model.perplexity({ name: 'x.pdf', content: text })],
      [
        'no stop rule',
        UsageError,
        /Give blocks, ratio, maxPpl or maxIncrease, for example ratio 0.1\./,
        (model) => model.prune({ data: text }),
      ],
      ['too many blocks', UsageError, /^blocks 13: /, (model) => model.prune({ data: text, blocks: 13 })],
      ['a ratio of 2', UsageError, /^ratio 2 /, (model) => model.prune({ data: text, ratio: 2 })],
      [
        'confidence',
        UsageError,
        /^confidence 2 /,
        (model) => model.prune({ ...search, search: 'race', confidence: 2 }),
      ],
      [
        'leaders alone',
        UsageError,
        /^leaders goes with repair: 'each'/,
        (model) => model.prune({ ...search, leaders: 2 }),
      ],
      [
        'leaders of a repair at the end',
        UsageError,
        /^leaders goes with repair: 'each'/,
        (model) => model.prune({ ...search, repair: 'end', leaders: 2 }),
      ],
      ['a scope alone', UsageError, /^repairScope goes/, (model) => model.prune({ ...search, repairScope: 'all' })],
      [
        'another time to repair',
        UsageError,
        /^repair: must be one of end, each/,
        (model) => model.prune({ ...search, repair: 'twice' as 'end' }),
      ],
      [
        'repair in the loop of scores',
        UsageError,
        /^repair: 'each' chooses by prices after repair, and method random .* Use repair: 'end'/,
        (model) => model.prune({ ...search, repair: 'each', method: 'random' }),
      ],
      [
        'repair in the loop of a race',
        UsageError,
        /^search: 'race' drops candidates before repair: 'each'/,
        (model) => model.prune({ ...search, repair: 'each', search: 'race' }),
      ],
      ['another method', UsageError, /no method 'mine'/, (model) => model.prune({ ...search, method: 'mine' })],
      [
        'a race of scores',
        UsageError,
        /method: 'blockpruner'/,
        (model) => model.prune({ ...search, search: 'race', method: 'random' }),
      ],
      [
        'a setting it does not have',
        UsageError,
        /colour/,
        (model) => model.prune({ ...search, method: 'random', settings: { colour: 1 } }),
      ],
      ['another kind', UsageError, /kind: must be one of/, (model) => model.prune({ ...search, kind: 'all' as 'mix' })],
      [
        'a misspelled option',
        UsageError,
        /maxPPL: there is no such/,
        (model) => model.prune({ ...search, maxPPL: 3 } as typeof search),
      ],
      [
        'nothing to heal',
        UsageError,
        /nothing was removed/,
        (model) => model.heal({ mask: [], data: text, valid: text }),
      ],
      [
        'a rank',
        UsageError,
        /^rank 4000: no matrix/,
        (model) => model.heal({ mask: 'L0.mha', data: text, valid: text, rank: 4000 }),
      ],
      [
        'a sequence',
        UsageError,
        /^seqLen: 9999 is more/,
        (model) => model.heal({ mask: 'L0.mha', data: text, valid: text, seqLen: 9999 }),
      ],
      [
        'little to train on',
        DataError,
        /lower seqLen/,
        (model) => model.heal({ mask: 'L0.mha', data: 'a', valid: text }),
      ],
      ['an empty prompt', DataError, /no token/, (model) => model.generate('')],
      ['a cold text', UsageError, /^temperature -1 /, (model) => model.generate('a', { temperature: -1 })],
      [
        'a signal that is not an AbortSignal',
        UsageError,
        /signal: must be/,
        (model) => model.generate('a', { signal: 1 as never }),
      ],
    ];

    it('are of the family and in the library’s words; the model serves on', async () => {
      await using(async (model) => {
        for (const [what, kind, message, call] of wrong) {
          const error = await failing(call(model));
          expect(error, what).toBeInstanceOf(kind);
          expect((error as Error).message, what).toMatch(message);
          expect((error as Error).message, what).not.toMatch(/--/);
        }
        expect((await model.perplexity(text, { tokens })).ppl).toBeGreaterThan(1);
      });
    });

    it('too little memory is said in bytes that there are, by the name it has here', async () => {
      await using(
        async (model) => {
          const error = await failing(model.prune(search));
          expect(error).toBeInstanceOf(MemoryBudgetError);
          expect((error as Error).message).toMatch(/Raise memoryBytes to \d+ or more/);
        },
        { memoryBytes: 2 ** 20 },
      );
    });

    it.each([
      ['threads', { threads: 0 }],
      ['gpuMode', { gpuMode: 'webgpu' }],
      ['lanes', { backend: 'reference', lanes: 8 }],
      ['backend', { backend: 'abacus' as 'simd' }],
    ] as const)('of %s are told when the model is opened', async (name, settings) => {
      const error = await failing(open(settings));
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toContain(name);
    });
  });

  describe('close', () => {
    it('ends what runs and what waits, and may be called again', async () => {
      const model = await open();
      const running = failing(model.prune({ data: text, blocks: 12 }));
      const waiting = failing(model.perplexity(text));
      const first = model.close();
      await Promise.all([first, model.close()]);
      expect(await running).toBeInstanceOf(DisposedError);
      expect(await waiting).toBeInstanceOf(DisposedError);
      expect(await failing(model.perplexity(text))).toBeInstanceOf(DisposedError);
      expect(await failing(model.generate('a'))).toMatchObject({ name: 'DisposedError' });
      await model.close();
    });

    it.skipIf(Symbol.asyncDispose === undefined)('is what `await using` does', async () => {
      const model = await open();
      await model[Symbol.asyncDispose]();
      expect(await failing(model.perplexity(text))).toBeInstanceOf(DisposedError);
    });
  });
}
