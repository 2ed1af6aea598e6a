/**
 * The journal of a search: what was computed, line by line, so that a killed run goes on where it
 * was. JSON lines:
 *
 *   {"type":"header", version, weights, config, tokens, settings, backend}
 *       what the numbers depend on, as hashes
 *   {"type":"group", step, from, to, seconds, passes, candidates, …}
 *       one finished (step, group of chunks)
 *   {"type":"race", step, from, to, chunks, …, scores, segments}
 *       the same of a race; from … to in its own order
 *   {"type":"step", step, removed, ppl}
 *       a decision; a resumed run must come to it too
 *   {"type":"sample", mask, prompt, before, after, seconds}
 *   {"type":"piece", key, seconds, value}
 *       what a method computed once, such as the scores that it ranks by (journalPiece.ts)
 *
 * Each line carries a checksum over itself and the line before (lineChain.ts); those of version 1
 * had none. Threads, memory, group sizes and stop rules are not part of the header: they may change
 * between runs, and the result stays the same to the last bit.
 */
import { FormatError, JournalMismatchError } from '../errors.ts';
import type { JournalSink } from '../platform/journalSink.ts';
import type { Hasher } from '../platform/sha256.ts';
import {
  decodeRecord,
  encodeRecord,
  OTHER_OUT,
  parseLine,
  type GroupRecord,
  type JournalRecord,
  type RaceRecord,
  type SampleRecord,
  type StepRecord,
} from './journalRecords.ts';
import type { PieceRecord } from './journalPiece.ts';
import { isSealed, LineChain } from './lineChain.ts';

export const JOURNAL_VERSION = 2;
/** Holds the same numbers, on lines without checksums. */
const UNCHECKED_VERSION = 1;

/** Two perplexities of the same scores: an engine's exp may round otherwise than another's. */
const SAME = 1e-14;

/** SHA-256 hashes (or plain text, for `backend`) of all that a score depends on. */
export interface JournalHeader {
  weights: string;
  config: string;
  tokens: string;
  settings: string;
  backend: string;
}

export class Journal {
  readonly #sink: JournalSink;
  /** Null where the lines carry no checksums. */
  readonly #chain: LineChain | null;
  readonly #groups: GroupRecord[] = [];
  readonly #races: RaceRecord[] = [];
  readonly #samples: SampleRecord[] = [];
  readonly #pieces = new Map<string, PieceRecord>();
  readonly #steps = new Map<number, StepRecord>();
  /** The line of each record that was read back. */
  readonly #places = new Map<JournalRecord, string>();

  private constructor(sink: JournalSink, chain: LineChain | null) {
    this.#sink = sink;
    this.#chain = chain;
  }

  /**
   * Opens a journal for the run that `header` describes: a new one gets the header, an old one is
   * read back.
   * @throws JournalMismatchError when it belongs to another run, naming what differs; FormatError
   * naming the first line that is damaged, out of place or not this journal's. What is refused is
   * left as it is.
   */
  static async open(sink: JournalSink, header: JournalHeader, newHasher: () => Hasher): Promise<Journal> {
    const { name, lines } = sink;
    const chain = new LineChain(newHasher);
    if (lines.length === 0) {
      checkTorn(sink);
      const journal = new Journal(sink, chain);
      await journal.#append({ type: 'header', version: JOURNAL_VERSION, ...header });
      return journal;
    }
    const first = parseLine(lines[0], `${name}:1`);
    const checked = first.version !== UNCHECKED_VERSION;
    if (first.type !== 'header' || (checked && first.version !== JOURNAL_VERSION)) {
      throw new FormatError('does not begin with a header of this version.', { where: name, remedy: OTHER_OUT });
    }
    const journal = new Journal(sink, checked ? chain : null);
    for (const [index, line] of lines.entries()) {
      const where = `${name}:${index + 1}`;
      journal.#check(line, where);
      if (index === 0) checkHeader(name, first, header);
      else journal.#take(decodeRecord(parseLine(line, where), where), where);
    }
    return journal;
  }

  /**
   * Whether its lines carry checksums: not in a journal of version 0.1, where damage may go
   * unnoticed.
   */
  get checked(): boolean {
    return this.#chain !== null;
  }

  /** Steps whose decision is recorded. */
  get stepsDone(): number {
    return this.#steps.size;
  }

  /** Groups recorded for a step, in the order in which they were written. */
  groups(step: number): GroupRecord[] {
    return this.#groups.filter((group) => group.step === step);
  }

  /** Groups of a race recorded for a step, in the order in which they were written. */
  races(step: number): RaceRecord[] {
    return this.#races.filter((race) => race.step === step);
  }

  /**
   * The sample of a mask and a prompt: another tokenizer may read the same ids as another prompt.
   */
  sample(mask: string, prompt: string): SampleRecord | null {
    return this.#samples.find((sample) => sample.mask === mask && sample.prompt === prompt) ?? null;
  }

  /** What a method kept under a key; null where there is nothing yet. */
  piece(key: string): PieceRecord | null {
    return this.#pieces.get(key) ?? null;
  }

  /** All that was kept under keys that begin so. */
  pieces(key: string): PieceRecord[] {
    return [...this.#pieces.values()].filter((piece) => piece.key.startsWith(key));
  }

  /**
   * Where a record stands, for messages: `journal.jsonl:3`, or the journal's name for one that is
   * new.
   */
  placeOf(record: JournalRecord): string {
    return this.#places.get(record) ?? this.#sink.name;
  }

  /**
   * Seconds of computing recorded, also by runs before this one: all, or those of the pieces whose
   * keys begin so.
   */
  seconds(key?: string): number {
    const pieces = this.pieces(key ?? '');
    const records = key === undefined ? [...this.#groups, ...this.#races, ...this.#samples, ...pieces] : pieces;
    return records.reduce((sum, record) => sum + record.seconds, 0);
  }

  async addGroup(group: GroupRecord): Promise<void> {
    await this.#append(encodeRecord(group));
    this.#groups.push(group);
  }

  async addRace(race: RaceRecord): Promise<void> {
    await this.#append(encodeRecord(race));
    this.#races.push(race);
  }

  /**
   * Records a decision once. A resumed run that comes to it again adds nothing.
   * @throws FormatError where the journal says otherwise: then its scores are not those that it was
   * taken from.
   */
  async addStep(step: number, removed: string | null, ppl: number): Promise<void> {
    const found: StepRecord = { type: 'step', step, removed, ppl };
    const recorded = this.#steps.get(step);
    if (recorded === undefined) {
      await this.#append(encodeRecord(found));
      this.#steps.set(step, found);
    } else if (recorded.removed !== removed || !isSame(recorded.ppl, ppl)) {
      throw new FormatError(
        `says that step ${step} ${inWords(recorded)}, but by the scores above it ${inWords(found)}.`,
        {
          where: this.placeOf(recorded),
          remedy: `A score was changed. ${OTHER_OUT}`,
        },
      );
    }
  }

  async addSample(sample: SampleRecord): Promise<void> {
    await this.#append(encodeRecord(sample));
    this.#samples.push(sample);
  }

  /** @throws FormatError for a value that JSON cannot hold, or a key that is taken. */
  async addPiece(piece: PieceRecord): Promise<void> {
    if (this.#pieces.has(piece.key)) throw takenTwice(piece.key, this.#sink.name);
    await this.#append(encodeRecord(piece));
    this.#pieces.set(piece.key, piece);
  }

  async #append(record: object): Promise<void> {
    const line = this.#chain === null ? JSON.stringify(record) : this.#chain.seal(record);
    await this.#sink.append(line);
    this.#chain?.add(line);
  }

  /** The next line must be the chain's next; one without a chain has no sum. */
  #check(line: string, where: string): void {
    if (this.#chain === null ? !isSealed(line) : this.#chain.add(line)) return;
    const first = where.endsWith(':1');
    throw new FormatError('does not fit its checksum and the line before: it was damaged or moved.', {
      where,
      remedy: first
        ? OTHER_OUT
        : 'Copy this file, then remove this line and all after it to go on from there; or use another --out.',
    });
  }

  #take(record: JournalRecord, where: string): void {
    const done = this.#steps.size;
    if (record.type === 'sample') this.#samples.push(record);
    else if (record.type === 'piece') {
      if (this.#pieces.has(record.key)) throw takenTwice(record.key, where);
      this.#pieces.set(record.key, record);
    } else if (record.step !== done + 1) {
      throw new FormatError(`is of step ${record.step}, where step ${done + 1} goes on.`, { where, remedy: OTHER_OUT });
    } else if (record.type === 'group') this.#groups.push(record);
    else if (record.type === 'race') this.#races.push(record);
    else this.#steps.set(record.step, record);
    this.#places.set(record, where);
  }
}

function takenTwice(key: string, where: string): FormatError {
  return new FormatError(`holds '${key}' twice.`, { where, remedy: OTHER_OUT });
}

/** A file that holds one line without an end is a torn journal only if it begins like one. */
function checkTorn({ name, torn }: JournalSink): void {
  const start = '{"type":"header",';
  if (torn.startsWith(start) || start.startsWith(torn)) return;
  throw new FormatError('is not a journal.', { where: name, remedy: OTHER_OUT });
}

function checkHeader(name: string, found: Record<string, unknown>, expected: JournalHeader): void {
  const keys = ['weights', 'config', 'tokens', 'settings', 'backend'] as const;
  if (!keys.every((key) => typeof found[key] === 'string')) {
    throw new FormatError('does not begin with a header of this version.', { where: name, remedy: OTHER_OUT });
  }
  for (const key of keys) {
    if (found[key] === expected[key]) continue;
    const what = key === 'backend' ? `backend (${JSON.stringify(found[key])}, now ${expected[key]})` : key;
    throw new JournalMismatchError(`belongs to a run with other ${what}.`, {
      where: name,
      remedy: 'Use another --out; that run is kept.',
    });
  }
}

function isSame(a: number, b: number): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= SAME * Math.abs(b);
}

/** `removed L5.mlp (perplexity 12.3)` */
function inWords({ removed, ppl }: StepRecord): string {
  return removed === null ? 'removed nothing' : `removed ${removed} (perplexity ${ppl})`;
}
