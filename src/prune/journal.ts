/**
 * The journal of a search: what was computed, line by line, so that a killed run goes on where it was. JSON lines:
 *
 *   {"type":"header", version, weights, config, tokens, settings, backend}   what the numbers depend on, as hashes
 *   {"type":"group", step, from, to, seconds, passes, candidates, …}        one finished (step, group of chunks)
 *   {"type":"race", step, from, to, chunks, …, scores, segments}            the same of a race, from … to in its order
 *   {"type":"step", step, removed, ppl}                                      a decision, for readers; not read back
 *   {"type":"sample", mask, prompt, before, after, seconds}
 *
 * Threads, memory, group sizes and stop rules are not part of the header: they may change between runs, and the
 * result stays the same to the last bit.
 */
import { FormatError, JournalMismatchError } from '../errors.ts';
import type { ChunkScore } from '../eval/perplexity.ts';
import type { JournalSink } from '../platform/journalSink.ts';

export const JOURNAL_VERSION = 1;

/** SHA-256 hashes (or plain text, for `backend`) of all that a score depends on. */
export interface JournalHeader {
  weights: string;
  config: string;
  tokens: string;
  settings: string;
  backend: string;
}

interface GroupScores {
  step: number;
  from: number;
  to: number;
  seconds: number;
  /** Block passes done, each times its chunks. */
  passes: number;
  /** Candidate names in order; checked against the search's own on reading back. */
  candidates: string[];
  /** Under the mask alone: [chunk]. */
  base: ChunkScore[];
  /** [candidate][chunk] */
  scores: ChunkScore[][];
}

/** Scores of a group of chunks from … to − 1 in one step. */
export interface GroupRecord extends GroupScores {
  type: 'group';
}

/** Scores of the chunks that a race visits from-th … (to − 1)-th, of the candidates still in it. */
export interface RaceRecord extends GroupScores {
  type: 'race';
  /** The chunks' own indices, in the order of visit. */
  chunks: number[];
  /** Σ NLL of each segment: [candidate][chunk][segment]. */
  segments: number[][][];
}

export interface SampleRecord {
  type: 'sample';
  mask: string;
  prompt: string;
  before: string;
  after: string;
  seconds: number;
}

/** JSON has no NaN or infinities, and a score may be either. */
type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity';
type JsonScore = [JsonNumber, number];

export class Journal {
  readonly #sink: JournalSink;
  readonly #groups: GroupRecord[] = [];
  readonly #races: RaceRecord[] = [];
  readonly #samples: SampleRecord[] = [];
  readonly #steps = new Set<number>();

  private constructor(sink: JournalSink) {
    this.#sink = sink;
  }

  /**
   * Opens a journal for the run that `header` describes: a new one gets the header, an old one is read back.
   * @throws JournalMismatchError when it belongs to another run, naming what differs; FormatError when a line other
   * than a torn last one cannot be read.
   */
  static async open(sink: JournalSink, header: JournalHeader): Promise<Journal> {
    const journal = new Journal(sink);
    const records = parseLines(sink);
    const first = records.shift();
    if (first === undefined) {
      await sink.append(JSON.stringify({ type: 'header', version: JOURNAL_VERSION, ...header }));
      return journal;
    }
    checkHeader(sink.name, first, header);
    for (const [index, record] of records.entries()) journal.#take(record, `${sink.name}:${index + 2}`);
    return journal;
  }

  /** Groups recorded for a step, in the order in which they were written. */
  groups(step: number): GroupRecord[] {
    return this.#groups.filter((group) => group.step === step);
  }

  /** Groups of a race recorded for a step, in the order in which they were written. */
  races(step: number): RaceRecord[] {
    return this.#races.filter((race) => race.step === step);
  }

  /** The sample of a mask and a prompt: another tokenizer may read the same ids as another prompt. */
  sample(mask: string, prompt: string): SampleRecord | null {
    return this.#samples.find((sample) => sample.mask === mask && sample.prompt === prompt) ?? null;
  }

  /** Seconds of computing recorded, also by runs before this one. */
  seconds(): number {
    return [...this.#groups, ...this.#races, ...this.#samples].reduce((sum, record) => sum + record.seconds, 0);
  }

  async addGroup(group: GroupRecord): Promise<void> {
    this.#groups.push(group);
    await this.#sink.append(JSON.stringify(encodeGroup(group)));
  }

  async addRace(race: RaceRecord): Promise<void> {
    this.#races.push(race);
    const segments = race.segments.map((chunks) => chunks.map((sums) => sums.map(encodeNumber)));
    await this.#sink.append(JSON.stringify({ ...encodeGroup(race), segments }));
  }

  /** Records a decision once; a resumed run that comes to it again adds nothing. */
  async addStep(step: number, removed: string | null, ppl: number): Promise<void> {
    if (this.#steps.has(step)) return;
    this.#steps.add(step);
    await this.#sink.append(JSON.stringify({ type: 'step', step, removed, ppl: encodeNumber(ppl) }));
  }

  async addSample(sample: SampleRecord): Promise<void> {
    this.#samples.push(sample);
    await this.#sink.append(JSON.stringify(sample));
  }

  #take(record: Record<string, unknown>, where: string): void {
    if (record.type === 'group') this.#groups.push({ type: 'group', ...decodeScores('group', record, where) });
    else if (record.type === 'race') this.#races.push(decodeRace(record, where));
    else if (record.type === 'sample') this.#samples.push(decodeSample(record, where));
    else if (record.type === 'step') this.#steps.add(decodeStep(record, where));
    else throw new FormatError('is no record this version knows.', { where, remedy: 'Start over with --fresh.' });
  }
}

function parseLines(sink: JournalSink): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = [];
  for (const [index, line] of sink.lines.entries()) {
    try {
      const record: unknown = JSON.parse(line);
      if (typeof record !== 'object' || record === null || Array.isArray(record)) throw new TypeError('no object');
      records.push(record as Record<string, unknown>);
    } catch (cause) {
      throw new FormatError('is not a journal line.', {
        where: `${sink.name}:${index + 1}`,
        remedy: 'Start over with --fresh, or use another --out.',
        cause,
      });
    }
  }
  return records;
}

function checkHeader(name: string, found: Record<string, unknown>, expected: JournalHeader): void {
  const keys = ['weights', 'config', 'tokens', 'settings', 'backend'] as const;
  const complete = keys.every((key) => typeof found[key] === 'string');
  if (found.type !== 'header' || found.version !== JOURNAL_VERSION || !complete) {
    throw new FormatError('does not begin with a header of this version.', {
      where: name,
      remedy: 'Start over with --fresh, or use another --out.',
    });
  }
  for (const key of keys) {
    if (found[key] === expected[key]) continue;
    const what = key === 'backend' ? `backend (${JSON.stringify(found[key])}, now ${expected[key]})` : key;
    throw new JournalMismatchError(`belongs to a run with other ${what}.`, {
      where: name,
      remedy: 'Use another --out, or --fresh to start over.',
    });
  }
}

function encodeGroup(group: GroupScores): Record<string, unknown> {
  const scores = group.scores.map((chunks) => chunks.map(encodeScore));
  return { ...group, base: group.base.map(encodeScore), scores };
}

function decodeRace(record: Record<string, unknown>, where: string): RaceRecord {
  const { chunks, segments } = record;
  const group = decodeScores('race', record, where);
  const { from, to } = group;
  const isSums = (value: unknown): value is JsonNumber[] => Array.isArray(value) && value.every(isJsonNumber);
  const isChunks = (value: unknown): value is JsonNumber[][] =>
    Array.isArray(value) && value.length === to - from && value.every(isSums);
  if (
    !Array.isArray(chunks) ||
    chunks.length !== to - from ||
    !chunks.every(isCount) ||
    !Array.isArray(segments) ||
    segments.length !== group.candidates.length ||
    !segments.every(isChunks)
  ) {
    throw damaged('race', where);
  }
  const numbers = segments.map((own) => own.map((sums) => sums.map(Number)));
  return { type: 'race', ...group, chunks, segments: numbers };
}

function decodeScores(kind: string, record: Record<string, unknown>, where: string): GroupScores {
  const { step, from, to, seconds, passes, candidates, base, scores } = record;
  const isScores = (value: unknown): value is JsonScore[] => {
    return Array.isArray(value) && value.length === Number(to) - Number(from) && value.every(isScore);
  };
  if (
    !isCount(step) ||
    !isCount(from) ||
    !isCount(to) ||
    from >= to ||
    !isSeconds(seconds) ||
    !isCount(passes) ||
    !Array.isArray(candidates) ||
    !candidates.every((name) => typeof name === 'string') ||
    !isScores(base) ||
    !Array.isArray(scores) ||
    scores.length !== candidates.length ||
    !scores.every(isScores)
  ) {
    throw damaged(kind, where);
  }
  return {
    step,
    from,
    to,
    seconds,
    passes,
    candidates,
    base: base.map(decodeScore),
    scores: scores.map((chunks) => chunks.map(decodeScore)),
  };
}

function decodeStep({ step }: Record<string, unknown>, where: string): number {
  if (!isCount(step)) throw damaged('step', where);
  return step;
}

function decodeSample(record: Record<string, unknown>, where: string): SampleRecord {
  const { mask, prompt, before, after, seconds } = record;
  const isText = (value: unknown): value is string => typeof value === 'string';
  if (!isText(mask) || !isText(prompt) || !isText(before) || !isText(after) || !isSeconds(seconds)) {
    throw damaged('sample', where);
  }
  return { type: 'sample', mask, prompt, before, after, seconds };
}

function damaged(kind: string, where: string): FormatError {
  return new FormatError(`is a damaged ${kind} record.`, { where, remedy: 'Start over with --fresh.' });
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isSeconds(value: unknown): value is number {
  return Number.isFinite(value) && Number(value) >= 0;
}

function isScore(value: unknown): value is JsonScore {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [nats, targets] = value as unknown[];
  return isCount(targets) && isJsonNumber(nats);
}

function isJsonNumber(value: unknown): value is JsonNumber {
  return typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
}

function encodeNumber(value: number): JsonNumber {
  return Number.isFinite(value) ? value : (String(value) as JsonNumber);
}

function encodeScore(score: ChunkScore): JsonScore {
  return [encodeNumber(score.nats), score.targets];
}

function decodeScore([nats, targets]: JsonScore): ChunkScore {
  return { nats: Number(nats), targets };
}
