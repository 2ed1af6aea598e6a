import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlockprunerError, FormatError, JournalMismatchError } from '../../src/errors.ts';
import type { ChunkScore } from '../../src/eval/perplexity.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { fileJournal } from '../../src/platform/nodeJournal.ts';
import { Journal, type GroupRecord, type JournalHeader, type SampleRecord } from '../../src/prune/journal.ts';
import { search } from '../../src/prune/search.ts';
import { tinyTransformer } from '../model/tinyTransformer.ts';
import { someTextDamage } from './damagedText.ts';
import { drain, tinyChunks } from './tinySearch.ts';

const header: JournalHeader = { weights: 'w1', config: 'c1', tokens: 't1', settings: 's1', backend: 'simd plain' };
const open = (lines: readonly string[] = []): Promise<Journal> => Journal.open(memoryJournal(lines), header);

const someScore: fc.Arbitrary<ChunkScore> = fc.record({
  nats: fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, 0, 5e-324, 1 / 3), fc.double({ noNaN: true, min: 0 })),
  targets: fc.nat(4096),
});

const someGroup: fc.Arbitrary<GroupRecord> = fc
  .record({
    step: fc.integer({ min: 1, max: 3 }),
    from: fc.nat(9),
    count: fc.integer({ min: 1, max: 3 }),
    candidates: fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 4 }),
    seconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
    passes: fc.nat(2 ** 40),
  })
  .chain(({ step, from, count, candidates, seconds, passes }) => {
    const chunks = fc.array(someScore, { minLength: count, maxLength: count });
    return fc.record({
      type: fc.constant('group' as const),
      step: fc.constant(step),
      from: fc.constant(from),
      to: fc.constant(from + count),
      seconds: fc.constant(seconds),
      passes: fc.constant(passes),
      candidates: fc.constant(candidates),
      base: chunks,
      scores: fc.array(chunks, { minLength: candidates.length, maxLength: candidates.length }),
    });
  });

const someSample: fc.Arbitrary<SampleRecord> = fc.record({
  type: fc.constant('sample' as const),
  mask: fc.constantFrom('', 'L0.mha', 'L0.mha,L1.mlp'),
  prompt: fc.string({ unit: 'binary' }),
  before: fc.string({ unit: 'grapheme' }),
  after: fc.string({ unit: 'binary' }),
  seconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
});

describe('Journal', () => {
  test.prop([fc.array(fc.oneof(someGroup, someSample)), fc.integer({ min: 0, max: 3 })])(
    'read back, it holds what was added, NaN and infinities and the last bit included',
    async (records, steps) => {
      const sink = memoryJournal();
      const written = await Journal.open(sink, header);
      for (const record of records)
        await (record.type === 'group' ? written.addGroup(record) : written.addSample(record));
      for (let step = 1; step <= steps; step++) await written.addStep(step, 'L0.mha', Infinity);
      const lines = [...sink.all];
      // One line a record, whatever characters a text holds.
      expect(lines).toHaveLength(1 + records.length + steps);
      expect(lines.some((line) => line.includes('\n'))).toBe(false);

      const again = memoryJournal(lines);
      const read = await Journal.open(again, header);
      const groups = records.filter((record) => record.type === 'group');
      for (const step of [1, 2, 3, 4]) expect(read.groups(step)).toEqual(groups.filter((group) => group.step === step));
      const samples = records.filter((record) => record.type === 'sample');
      for (const { mask, prompt } of samples) {
        expect(read.sample(mask, prompt)).toEqual(samples.find((s) => s.mask === mask && s.prompt === prompt));
        expect(read.sample(mask, `${prompt} or another`)).toBe(null);
      }
      expect(read.seconds()).toBe(written.seconds());
      // Decisions that are there already are not written twice.
      for (let step = 1; step <= 3; step++) await read.addStep(step, 'L0.mha', 1);
      expect(again.all).toHaveLength(1 + records.length + 3);
    },
  );

  it('begins with its header, once', async () => {
    const sink = memoryJournal();
    await Journal.open(sink, header);
    expect(sink.all.map((line) => JSON.parse(line) as unknown)).toEqual([{ type: 'header', version: 1, ...header }]);
    const again = memoryJournal(sink.all);
    await Journal.open(again, header);
    expect(again.all).toEqual(sink.all);
  });

  it.each(['weights', 'config', 'tokens', 'settings', 'backend'] as const)(
    'of a run with other %s is refused by that name, and left as it is',
    async (key) => {
      const sink = memoryJournal();
      await Journal.open(sink, { ...header, [key]: 'another' });
      const again = memoryJournal(sink.all);
      const opening = Journal.open(again, header);
      await expect(opening).rejects.toThrow(JournalMismatchError);
      await expect(opening).rejects.toThrow(`journal in memory: belongs to a run with other ${key}`);
      await expect(opening).rejects.toThrow('--fresh');
      expect(again.all).toEqual(sink.all);
    },
  );

  it('names both backends', async () => {
    const sink = memoryJournal();
    await Journal.open(sink, { ...header, backend: 'reference' });
    await expect(Journal.open(memoryJournal(sink.all), header)).rejects.toThrow('("reference", now simd plain)');
  });

  const first = JSON.stringify({ type: 'header', version: 1, ...header });
  const group = {
    type: 'group',
    step: 1,
    from: 0,
    to: 1,
    seconds: 1,
    passes: 3,
    candidates: ['a'],
    base: [[1, 2]],
    scores: [[[1, 2]]],
  };
  const sample = { type: 'sample', mask: '', prompt: '', before: '', after: '', seconds: 1 };

  it('takes the records that the next ones are damaged from', async () => {
    const lines = [first, ...[group, sample, { type: 'step', step: 1 }].map((record) => JSON.stringify(record))];
    expect((await open(lines)).groups(1)).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['a list', []],
    ['null', null],
    ['another type', { type: 'note' }],
    ['a second header', { type: 'header', version: 1, ...header }],
    ['a group without scores', { ...group, scores: undefined }],
    ['scores of one candidate too few', { ...group, candidates: ['a', 'b'] }],
    ['scores of one chunk too few', { ...group, to: 2 }],
    ['a group that ends where it starts', { ...group, to: 0, base: [], scores: [[]] }],
    ['a group that starts before the first chunk', { ...group, from: -1, to: 0 }],
    ['half a step', { ...group, step: 1.5 }],
    ['a step as text', { ...group, step: '1' }],
    ['names that are none', { ...group, candidates: [['a']] }],
    ['names that cannot be made text', { ...group, candidates: [{ toString: 1 }] }],
    ['no seconds', { ...group, seconds: null }],
    ['half a pass', { ...group, passes: 0.5 }],
    ['a score that is null', { ...group, base: [null] }],
    ['a score without its count', { ...group, base: [[1]] }],
    ['a score as text', { ...group, scores: [[['1', 2]]] }],
    ['a count as text', { ...group, scores: [[[1, '2']]] }],
    ['a count that is NaN', { ...group, base: [[1, 'NaN']] }],
    ['a sample without text', { ...sample, after: undefined }],
    ['a sample without seconds', { ...sample, seconds: 'long' }],
    ['a step without number', { type: 'step' }],
    ['a step that cannot be made a number', { type: 'step', step: { valueOf: 1, toString: 1 } }],
  ])('says where the line is that is %s', async (_, record) => {
    const opening = open([first, JSON.stringify(group), JSON.stringify(record)]);
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toThrow('journal in memory:3: ');
  });

  it.each<[string, string]>([
    ['empty', ''],
    ['no JSON', '{"type":"header"'],
    ['a group', JSON.stringify(group)],
    ['another version', first.replace('"version":1', '"version":2')],
    ['without a hash', first.replace('"tokens":"t1",', '')],
    ['with a hash that is none', first.replace('"t1"', '['.repeat(9000) + ']'.repeat(9000))],
  ])('refuses a first line that is %s', async (_, line) => {
    await expect(open([line])).rejects.toThrow(FormatError);
  });
});

describe('a journal file', () => {
  let folder = '';
  let path = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockpruner-journal-'));
    path = join(folder, 'journal.jsonl');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.prop([fc.array(fc.oneof(someGroup, someSample), { minLength: 1, maxLength: 4 }), fc.nat(1000)], {
    numRuns: 40,
  })('torn anywhere, keeps its complete lines and goes on behind them', async (records, share) => {
    await rm(path, { force: true });
    const sink = await fileJournal(path, false);
    const journal = await Journal.open(sink, header);
    for (const record of records)
      await (record.type === 'group' ? journal.addGroup(record) : journal.addSample(record));
    await sink.close();
    const whole = await readFile(path);
    const length = Math.round((share / 1000) * whole.length);
    await truncate(path, length);
    const complete = whole.subarray(0, length).lastIndexOf(0x0a) + 1;

    const torn = await fileJournal(path, false);
    await Journal.open(torn, header);
    await torn.append('"next"');
    await torn.close();
    const kept = whole.subarray(0, complete).toString();
    const text = await readFile(path, 'utf8');
    // Where not even the header was left, it is written again.
    expect(text).toBe(
      `${kept === '' ? `${JSON.stringify({ type: 'header', version: 1, ...header })}\n` : kept}"next"\n`,
    );
  });

  it('starts over when fresh', async () => {
    await writeFile(path, 'anything\n');
    const sink = await fileJournal(path, true);
    expect(sink.lines).toEqual([]);
    await sink.close();
    expect(await readFile(path, 'utf8')).toBe('');
  });
});

describe('damaged journals', async () => {
  const { model } = await tinyTransformer({ layers: 1 });
  const chunks = tinyChunks(1, 2, 3);
  const counts = countParameters(model.source);
  const settings = { kind: 'mix', stop: { blocks: 2 }, groupSize: 1 } as const;
  const straight = memoryJournal();
  const journal = await Journal.open(straight, header);
  await drain(search(model, chunks, counts, settings, journal));
  await journal.addSample({ type: 'sample', mask: 'L0.mha', prompt: 'p', before: 'b', after: 'a', seconds: 1 });
  const whole = straight.all.join('\n');

  test.prop([someTextDamage], { numRuns: 10_000 })('lead to a result or a typed error', async (damage) => {
    try {
      const damaged = await open(damage(whole).split('\n'));
      const { events } = await drain(search(model, chunks, counts, settings, damaged));
      expect(events.at(-1)?.type).toBe('done');
      expect(damaged.seconds()).toBeGreaterThanOrEqual(0);
    } catch (error) {
      if (!(error instanceof BlockprunerError)) throw error;
    }
  });

  it.each<[string, (group: GroupRecord) => object]>([
    [
      'a group beyond the last chunk',
      (g) => ({
        ...g,
        to: g.to + 2,
        base: [...g.base, ...g.base, ...g.base],
        scores: g.scores.map((s) => [...s, ...s, ...s]),
      }),
    ],
    ['a gap between groups', (g) => ({ ...g, from: 1, to: 2 })],
    ['other candidates', (g) => ({ ...g, candidates: g.candidates.toReversed() })],
    ['two names in one', (g) => ({ ...g, candidates: [g.candidates.join(' ')], scores: g.scores.slice(1) })],
    ['a candidate too few', (g) => ({ ...g, candidates: g.candidates.slice(0, 1), scores: g.scores.slice(0, 1) })],
  ])('%s does not follow', async (_, change) => {
    const lines = [straight.all[0], JSON.stringify(change(JSON.parse(straight.all[1]) as GroupRecord))];
    const walk = drain(search(model, chunks, counts, settings, await open(lines)));
    await expect(walk).rejects.toThrow(FormatError);
    await expect(walk).rejects.toThrow('step 1 of the journal does not follow');
  });
});
