/**
 * The records of a search's journal: what they are, and how they are written as JSON and read back.
 */
import { FormatError } from '../errors.ts';
import type { ChunkScore } from '../eval/perplexity.ts';
import { decodeKept, encodeKept, type PieceRecord } from './journalPiece.ts';

/** What can be done about a journal that is of no use. */
export const OTHER_OUT = 'Use another --out; this file is kept as it is.';

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

/** A decision: what went, and the perplexity without it; null and NaN where nothing could. */
export interface StepRecord {
  type: 'step';
  step: number;
  removed: string | null;
  ppl: number;
}

export interface SampleRecord {
  type: 'sample';
  mask: string;
  prompt: string;
  before: string;
  after: string;
  seconds: number;
}

export type JournalRecord = GroupRecord | RaceRecord | StepRecord | SampleRecord | PieceRecord;

/** JSON has no NaN or infinities, and a score may be either. */
type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity';
/** Σ NLL, targets, and Σ KL where it was measured. */
type JsonScore = [JsonNumber, number] | [JsonNumber, number, JsonNumber];

/** A record as JSON holds it. */
export function encodeRecord(record: JournalRecord): object {
  if (record.type === 'sample') return record;
  if (record.type === 'piece') return { ...record, value: encodeKept(record.value) };
  if (record.type === 'step') return { ...record, ppl: encodeNumber(record.ppl) };
  const { base, scores } = record;
  const group = { ...record, base: base.map(encodeScore), scores: scores.map((chunks) => chunks.map(encodeScore)) };
  if (record.type === 'group') return group;
  return { ...group, segments: record.segments.map((chunks) => chunks.map((sums) => sums.map(encodeNumber))) };
}

/**
 * A line of a journal as the object it holds.
 * @throws FormatError where it holds none.
 */
export function parseLine(line: string, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new FormatError('is not a journal line.', { where, remedy: OTHER_OUT, cause });
  }
  throw new FormatError('is not a journal line.', { where, remedy: OTHER_OUT });
}

/**
 * The record that such an object is.
 * @throws FormatError where the line is not a record, or a damaged one.
 */
export function decodeRecord(record: Record<string, unknown>, where: string): JournalRecord {
  if (record.type === 'group') return { type: 'group', ...decodeScores('group', record, where) };
  if (record.type === 'race') return decodeRace(record, where);
  if (record.type === 'step') return decodeStep(record, where);
  if (record.type === 'sample') return decodeSample(record, where);
  if (record.type === 'piece') return decodePiece(record, where);
  throw new FormatError('is not a record this version knows.', { where, remedy: OTHER_OUT });
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

function decodeStep({ step, removed, ppl }: Record<string, unknown>, where: string): StepRecord {
  if (!isCount(step) || !(typeof removed === 'string' || removed === null) || !isJsonNumber(ppl)) {
    throw damaged('step', where);
  }
  return { type: 'step', step, removed, ppl: Number(ppl) };
}

function decodeSample(record: Record<string, unknown>, where: string): SampleRecord {
  const { mask, prompt, before, after, seconds } = record;
  const isText = (value: unknown): value is string => typeof value === 'string';
  if (!isText(mask) || !isText(prompt) || !isText(before) || !isText(after) || !isSeconds(seconds)) {
    throw damaged('sample', where);
  }
  return { type: 'sample', mask, prompt, before, after, seconds };
}

function decodePiece(record: Record<string, unknown>, where: string): PieceRecord {
  const { key, seconds } = record;
  const value = decodeKept(record.value);
  if (typeof key !== 'string' || !isSeconds(seconds) || value === undefined) throw damaged('piece', where);
  return { type: 'piece', key, seconds, value };
}

function damaged(kind: string, where: string): FormatError {
  return new FormatError(`is a damaged ${kind} record.`, { where, remedy: OTHER_OUT });
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isSeconds(value: unknown): value is number {
  return Number.isFinite(value) && Number(value) >= 0;
}

function isScore(value: unknown): value is JsonScore {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) return false;
  const [nats, targets, kl = 0] = value as unknown[];
  return isCount(targets) && isJsonNumber(nats) && isJsonNumber(kl);
}

function isJsonNumber(value: unknown): value is JsonNumber {
  return typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
}

function encodeNumber(value: number): JsonNumber {
  return Number.isFinite(value) ? value : (String(value) as JsonNumber);
}

function encodeScore(score: ChunkScore): JsonScore {
  const { nats, targets, kl } = score;
  return kl === undefined ? [encodeNumber(nats), targets] : [encodeNumber(nats), targets, encodeNumber(kl)];
}

function decodeScore([nats, targets, kl]: JsonScore): ChunkScore {
  return kl === undefined ? { nats: Number(nats), targets } : { nats: Number(nats), targets, kl: Number(kl) };
}
