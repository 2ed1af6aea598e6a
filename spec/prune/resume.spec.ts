/**
 * Interrupted anywhere and resumed, a search gives the document of a straight run, to the last bit.
 */
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { fileJournal } from '../../src/platform/nodeJournal.ts';
import { run } from '../../src/prune/run.ts';
import { budgets, documentOf, timeless, tinyRun } from './tinyRun.ts';

const straight = memoryJournal();
const expected = await documentOf((await tinyRun(straight)).options);
const groupsOf = (lines: readonly string[]): string[] =>
  timeless(lines)
    .filter((line) => line.includes('"type":"group"'))
    .map((line) => /"step":\d+,"from":\d+/.exec(line)?.[0] ?? '');

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockpruner-resume-'));
  path = join(folder, 'journal.jsonl');
});
afterAll(() => rm(folder, { recursive: true }));

it('the straight run computes each group of each step once', () => {
  expect(groupsOf(straight.all)).toHaveLength(4 * 3);
  expect(new Set(groupsOf(straight.all)).size).toBe(4 * 3);
});

it('cut after every line: the same document, and just the missing lines are added', async () => {
  for (let kept = 0; kept <= straight.all.length; kept++) {
    const sink = memoryJournal(straight.all.slice(0, kept));
    const { options } = await tinyRun(sink);
    expect(await documentOf(options), `after ${kept} lines`).toEqual(expected);
    // Decisions, unlike scores, are found again and noted where they were not.
    expect(timeless(sink.all), `after ${kept} lines`).toEqual(timeless(straight.all));
  }
});

test.prop([fc.nat(2 ** 20 - 1), fc.constantFrom(...budgets)], { numRuns: 30 })(
  'cut in the middle of a line, and gone on with in other groups',
  async (part, activationBytes) => {
    const text = `${straight.all.join('\n')}\n`;
    await writeFile(path, text.slice(0, Math.floor((part / 2 ** 20) * text.length)));
    const sink = await fileJournal(path, false);
    const { options } = await tinyRun(sink, { activationBytes });
    expect(await documentOf(options)).toEqual(expected);
    await sink.close();
  },
);

test('one budget takes single chunks, one pairs, one all', async () => {
  const counts = [];
  for (const activationBytes of budgets) {
    const sink = memoryJournal();
    expect(await documentOf((await tinyRun(sink, { activationBytes })).options)).toEqual(expected);
    counts.push(groupsOf(sink.all).length);
  }
  expect(counts).toEqual([4 * 3, 4 * 2, 4 * 1]);
});

test('gone on with to more blocks, it is the longer run', async () => {
  const sink = memoryJournal();
  await documentOf((await tinyRun(sink, { stop: { blocks: 1 }, tokenizer: null })).options);
  const longer = memoryJournal(sink.all);
  expect(await documentOf((await tinyRun(longer)).options)).toEqual(expected);
  expect(timeless(longer.all)).toEqual(timeless(straight.all));
});

/** What is known of the journal file: at least so many bytes of complete lines. */
interface Known {
  bytes: number;
}
type Command = fc.AsyncCommand<Known, { text: () => Promise<string> }>;

/** A session that is abandoned after some events. */
class Work implements Command {
  readonly events: number;
  readonly activationBytes: number;
  constructor(events: number, activationBytes: number) {
    this.events = events;
    this.activationBytes = activationBytes;
  }
  check = (): boolean => true;
  async run(known: Known, { text }: { text: () => Promise<string> }): Promise<void> {
    const before = await text();
    const complete = before.slice(0, before.lastIndexOf('\n') + 1);
    const sink = await fileJournal(path, false);
    const { options } = await tinyRun(sink, { activationBytes: this.activationBytes });
    let seen = 0;
    for await (const _ of run(options)) if (seen++ === this.events) break;
    await sink.close();
    const after = await text();
    // Nothing that was there is lost or computed again.
    expect(after.startsWith(complete)).toBe(true);
    expect(after.length).toBeGreaterThanOrEqual(known.bytes);
    const groups = groupsOf(after.split('\n'));
    expect(new Set(groups).size).toBe(groups.length);
    known.bytes = after.length;
  }
  toString = (): string => `work(${this.events} events, ${this.activationBytes} bytes)`;
}

/** What a killed process or machine leaves of the last writes. */
class Tear implements Command {
  readonly bytes: number;
  constructor(bytes: number) {
    this.bytes = bytes;
  }
  check = (): boolean => true;
  async run(known: Known, { text }: { text: () => Promise<string> }): Promise<void> {
    const length = Math.max(0, (await text()).length - this.bytes);
    await truncate(path, length);
    known.bytes = Math.min(known.bytes, (await text()).lastIndexOf('\n') + 1);
  }
  toString = (): string => `tear(${this.bytes} bytes)`;
}

const commands = fc.commands(
  [
    fc.tuple(fc.nat(30), fc.constantFrom(...budgets)).map(([events, bytes]) => new Work(events, bytes)),
    fc.integer({ min: 1, max: 600 }).map((bytes) => new Tear(bytes)),
  ],
  { maxCommands: 8 },
);

test.prop([commands], { numRuns: 15 })('whatever happens to it in between', async (story) => {
  await writeFile(path, '');
  const text = (): Promise<string> => readFile(path, 'utf8');
  await fc.asyncModelRun(() => ({ model: { bytes: 0 }, real: { text } }), story);
  const sink = await fileJournal(path, false);
  expect(await documentOf((await tinyRun(sink)).options)).toEqual(expected);
  await sink.close();
});
