import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlockprunerError, FormatError, JournalMismatchError } from '../../src/errors.ts';
import type { ChunkScore } from '../../src/eval/perplexity.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { fileJournal } from '../../src/platform/nodeJournal.ts';
import { Journal, type JournalHeader } from '../../src/prune/journal.ts';
import type { GroupRecord, SampleRecord } from '../../src/prune/journalRecords.ts';
import { tinyTransformer } from '../model/tinyTransformer.ts';
import { someTextDamage } from './damagedText.ts';
import { drain, localSearch, tinyChunks } from './tinySearch.ts';

const header: JournalHeader = { weights: 'w1', config: 'c1', tokens: 't1', settings: 's1', backend: 'simd plain' };
const open = (lines: readonly string[] = []): Promise<Journal> =>
  Journal.open(memoryJournal(lines), header, nodeHasher);

const someScore: fc.Arbitrary<ChunkScore> = fc.record({
  nats: fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, 0, 5e-324, 1 / 3), fc.double({ noNaN: true, min: 0 })),
  targets: fc.nat(4096),
});

const someGroup: fc.Arbitrary<GroupRecord> = fc
  .record({
    from: fc.nat(9),
    count: fc.integer({ min: 1, max: 3 }),
    candidates: fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 4 }),
    seconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
    passes: fc.nat(2 ** 40),
  })
  .chain(({ from, count, candidates, seconds, passes }) => {
    const chunks = fc.array(someScore, { minLength: count, maxLength: count });
    return fc.record({
      type: fc.constant('group' as const),
      step: fc.constant(1),
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
  test.prop([fc.array(fc.array(fc.oneof(someGroup, someSample), { maxLength: 4 }), { maxLength: 4 })])(
    'read back, it holds what was added, NaN and infinities and the last bit included',
    async (parts) => {
      const steps = parts.map((records, index) => {
        return records.map((record) => (record.type === 'group' ? { ...record, step: index + 1 } : record));
      });
      const sink = memoryJournal();
      const written = await Journal.open(sink, header, nodeHasher);
      for (const [index, records] of steps.entries()) {
        for (const record of records) {
          if (record.type === 'group') await written.addGroup(record);
          else await written.addSample(record);
        }
        await written.addStep(index + 1, index === 2 ? null : 'L0.mha', index === 2 ? NaN : Infinity);
      }
      const lines = [...sink.all];
      const all = steps.flat();
      // One line a record, whatever characters a text holds.
      expect(lines).toHaveLength(1 + all.length + steps.length);
      expect(lines.some((line) => line.includes('\n'))).toBe(false);

      const again = memoryJournal(lines);
      const read = await Journal.open(again, header, nodeHasher);
      expect(read.checked).toBe(true);
      const groups = all.filter((record) => record.type === 'group');
      for (const step of [1, 2, 3, 4, 5]) {
        expect(read.groups(step)).toEqual(groups.filter((group) => group.step === step));
      }
      const samples = all.filter((record) => record.type === 'sample');
      for (const { mask, prompt } of samples) {
        expect(read.sample(mask, prompt)).toEqual(samples.find((s) => s.mask === mask && s.prompt === prompt));
        expect(read.sample(mask, `${prompt} or another`)).toBe(null);
      }
      expect(read.seconds()).toBe(written.seconds());
      // Decisions that are there already are not written twice; those that follow are of the same
      // chain.
      for (const index of steps.keys()) {
        await read.addStep(index + 1, index === 2 ? null : 'L0.mha', index === 2 ? NaN : Infinity);
      }
      expect(again.all).toEqual(lines);
      await read.addStep(steps.length + 1, 'L0.mlp', 1);
      expect((await Journal.open(memoryJournal(again.all), header, nodeHasher)).checked).toBe(true);
    },
  );

  it('begins with its header, once', async () => {
    const sink = memoryJournal();
    await Journal.open(sink, header, nodeHasher);
    expect(sink.all.map((line) => JSON.parse(line) as unknown)).toEqual([
      { type: 'header', version: 2, ...header, sum: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    const again = memoryJournal(sink.all);
    await Journal.open(again, header, nodeHasher);
    expect(again.all).toEqual(sink.all);
  });

  it.each(['weights', 'config', 'tokens', 'settings', 'backend'] as const)(
    'of a run with other %s is refused by that name, and left as it is',
    async (key) => {
      const sink = memoryJournal();
      await Journal.open(sink, { ...header, [key]: 'another' }, nodeHasher);
      const again = memoryJournal(sink.all);
      const opening = Journal.open(again, header, nodeHasher);
      await expect(opening).rejects.toThrow(JournalMismatchError);
      await expect(opening).rejects.toThrow(`journal in memory: belongs to a run with other ${key}`);
      await expect(opening).rejects.toThrow('Use another --out; that run is kept.');
      expect(again.all).toEqual(sink.all);
    },
  );

  it('names both backends', async () => {
    const sink = memoryJournal();
    await Journal.open(sink, { ...header, backend: 'reference' }, nodeHasher);
    await expect(Journal.open(memoryJournal(sink.all), header, nodeHasher)).rejects.toThrow(
      '("reference", now simd plain)',
    );
  });

  /** Lines of version 1 have no checksums: what they hold is all there is to check. */
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
  const decision = { type: 'step', step: 1, removed: 'a', ppl: 1.5 };
  const sample = { type: 'sample', mask: '', prompt: '', before: '', after: '', seconds: 1 };

  it('takes the records that the next ones are damaged from', async () => {
    const lines = [first, ...[group, sample, decision].map((record) => JSON.stringify(record))];
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
    ['a step without number', { ...decision, step: undefined }],
    ['a step that cannot be made a number', { ...decision, step: { valueOf: 1, toString: 1 } }],
    ['a step without a name', { ...decision, removed: undefined }],
    ['a step without a perplexity', { ...decision, ppl: null }],
    ['a group of a later step', { ...group, step: 2 }],
    ['a decision of a later step', { ...decision, step: 2 }],
    ['of version 2', { ...sample, sum: '0'.repeat(64) }],
  ])('says where the line is that is %s', async (_, record) => {
    const opening = open([first, JSON.stringify(group), JSON.stringify(record)]);
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toThrow('journal in memory:3: ');
  });

  it.each<[string, string]>([
    ['empty', ''],
    ['no JSON', '{"type":"header"'],
    ['a group', JSON.stringify(group)],
    ['another version', first.replace('"version":1', '"version":3')],
    ['of this version without a checksum', first.replace('"version":1', '"version":2')],
    ['without a hash', first.replace('"tokens":"t1",', '')],
    ['with a hash that is none', first.replace('"t1"', '['.repeat(9000) + ']'.repeat(9000))],
  ])('refuses a first line that is %s', async (_, line) => {
    await expect(open([line])).rejects.toThrow(FormatError);
  });
});

describe('a journal file', () => {
  const last: SampleRecord = { type: 'sample', mask: '', prompt: 'asked last', before: '', after: '', seconds: 2 };
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
    const journal = await Journal.open(sink, header, nodeHasher);
    for (const record of records)
      await (record.type === 'group' ? journal.addGroup(record) : journal.addSample(record));
    await sink.close();
    const whole = await readFile(path);
    const length = Math.round((share / 1000) * whole.length);
    await truncate(path, length);
    const complete = whole.subarray(0, length).lastIndexOf(0x0a) + 1;

    const torn = await fileJournal(path, false);
    await (await Journal.open(torn, header, nodeHasher)).addSample(last);
    await torn.close();
    const text = await readFile(path, 'utf8');
    const kept = whole.subarray(0, complete).toString();
    // Where not even the header was left, it is written again.
    const lines =
      (kept === '' ? whole.subarray(0, whole.indexOf(0x0a) + 1).toString() : kept) + text.split('\n').at(-2);
    expect(text).toBe(`${lines}\n`);
    const again = await fileJournal(path, false);
    expect((await Journal.open(again, header, nodeHasher)).sample('', last.prompt)).toEqual(last);
    await again.close();
  });

  it('that is no journal is left as it is', async () => {
    for (const text of ['my own notes', 'my own notes\n', '{"type":"note"}', '\0\0\0']) {
      await writeFile(path, text);
      const sink = await fileJournal(path, false);
      await expect(Journal.open(sink, header, nodeHasher)).rejects.toThrow(FormatError);
      await sink.close();
      expect(await readFile(path, 'utf8')).toBe(text);
    }
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
  const settings = { kind: 'mix', stop: { blocks: 2 }, groupSize: 1 } as const;
  const searched = async (journal: Journal): Promise<unknown> => {
    const { events } = await drain(localSearch({ model, chunks, journal }, settings));
    // What a step took depends on how much of it was recorded.
    return events.filter(({ type }) => type !== 'progress' && type !== 'measured').map((e) => ({ ...e, work: 0 }));
  };
  const straight = memoryJournal();
  const journal = await Journal.open(straight, header, nodeHasher);
  const expected = await searched(journal);
  const sample: SampleRecord = { type: 'sample', mask: 'L0.mha', prompt: 'p', before: 'b', after: 'a', seconds: 1 };
  await journal.addSample(sample);
  const whole = straight.all;
  const old = whole.map((line) => line.replace(/,"sum":"[0-9a-f]{64}"}$/, '}').replace('"version":2', '"version":1'));

  it('an old one gives the same result, and is said to be unchecked', async () => {
    const sink = memoryJournal(old);
    const opened = await open(old);
    expect(opened.checked).toBe(false);
    expect(await searched(opened)).toEqual(expected);
    // What is added to it has no checksums either, so that version 0.1 can still read it.
    const cut = memoryJournal(old.slice(0, -2));
    const resumed = await Journal.open(cut, header, nodeHasher);
    expect(await searched(resumed)).toEqual(expected);
    await resumed.addSample(sample);
    expect(cut.all).toEqual(sink.all);
  });

  test.prop([someTextDamage], { numRuns: 3000 })('are refused, or lead to the same result', async (damage) => {
    try {
      const damaged = await open(damage(whole.join('\n')).split('\n'));
      expect(damaged.checked).toBe(true);
      expect(await searched(damaged)).toEqual(expected);
      expect(damaged.sample(sample.mask, sample.prompt) ?? sample).toEqual(sample);
    } catch (error) {
      if (!(error instanceof BlockprunerError)) throw error;
    }
  });

  test.prop([someTextDamage], { numRuns: 3000 })('of version 0.1 lead to a result or a typed error', async (damage) => {
    try {
      const damaged = await open(damage(old.join('\n')).split('\n'));
      await searched(damaged);
      expect(damaged.seconds()).toBeGreaterThanOrEqual(0);
    } catch (error) {
      if (!(error instanceof BlockprunerError)) throw error;
    }
  });

  const another = memoryJournal();
  await searched(await Journal.open(another, header, nodeHasher));
  const other = another.all;
  const swapped = (at: number): string[] => whole.with(at, whole[at + 1]).with(at + 1, whole[at]);
  it.each<[string, readonly string[], number]>([
    ['two lines swapped', swapped(1), 2],
    ['a decision before its scores', swapped(2), 3],
    ['a line twice', [...whole.slice(0, 3), ...whole.slice(2)], 4],
    ['the last line twice', [...whole, whole[whole.length - 1]], whole.length + 1],
    ['the header twice', [whole[0], ...whole], 2],
    ['a line left out', whole.toSpliced(1, 1), 2],
    ['a decision left out', whole.toSpliced(3, 1), 4],
    ['a line of another search under the same header', whole.with(2, other[2]), 3],
    ['the end of another search under the same header', [...whole.slice(0, 2), ...other.slice(2)], 3],
    ['a line without its checksum', whole.with(2, old[2]), 3],
    ['an empty line', [...whole.slice(0, 2), '', ...whole.slice(2)], 3],
    ['other ends of lines', whole.map((line) => `${line}\r`), 1],
    ['a header that was made old', whole.with(0, old[0]), 2],
    ['a header made old, its checksum kept', whole.with(0, whole[0].replace('"version":2', '"version":1')), 1],
  ])('%s is refused with the number of the line', async (_, lines, line) => {
    const sink = memoryJournal(lines);
    const opening = Journal.open(sink, header, nodeHasher);
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toThrow(`journal in memory:${line}: does not fit its checksum`);
    await expect(opening).rejects.toThrow(line === 1 ? 'Use another --out' : 'remove this line and all after it');
    expect(sink.all).toEqual(lines);
  });

  it('cut off before the line that does not fit, they go on', async () => {
    for (let kept = 1; kept < whole.length; kept++) {
      expect(await searched(await open(whole.slice(0, kept)))).toEqual(expected);
    }
  });

  it('an edited score that makes another removal is held against the decision', async () => {
    // Version 0.1's: a newer one's checksum would not fit.
    const group = JSON.parse(old[1]) as { candidates: string[]; scores: [number, number][][] };
    const removed = group.candidates.indexOf((JSON.parse(old[3]) as { removed: string }).removed);
    group.scores = group.scores.map((own, index) =>
      own.map(([nats, targets]) => [nats + (index === removed ? 9 : 0), targets]),
    );
    const edited = old.with(1, JSON.stringify(group));
    const opened = await open(edited);
    await expect(searched(opened)).rejects.toThrow(
      /^journal in memory:4: says that step 1 removed L0\.m\w\w \(perplexity [\d.]+\), but by the scores above it removed L0/,
    );
  });

  it.each<[string | null, number]>([
    ['L0.mlp', 1.5],
    ['L0.mha', 1.5000001],
    [null, NaN],
  ])('a decision is held against the recorded one: %s, %f', async (removed, ppl) => {
    const sink = memoryJournal();
    await (await Journal.open(sink, header, nodeHasher)).addStep(1, 'L0.mha', 1.5);
    const read = await Journal.open(memoryJournal(sink.all), header, nodeHasher);
    await read.addStep(1, 'L0.mha', 1.5);
    await expect(read.addStep(1, removed, ppl)).rejects.toThrow(
      'journal in memory:2: says that step 1 removed L0.mha (perplexity 1.5), but by the scores above it removed ',
    );
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
    const lines = [old[0], JSON.stringify(change(JSON.parse(old[1]) as GroupRecord))];
    const walk = searched(await open(lines));
    await expect(walk).rejects.toThrow(FormatError);
    await expect(walk).rejects.toThrow('journal in memory:2: step 1 of the journal does not follow');
  });
});
