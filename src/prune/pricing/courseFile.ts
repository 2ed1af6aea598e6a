/**
 * A walk's course as a file: a line of JSON that says what it is and what follows, then the arrays,
 * f32, one behind the other, then SHA-256 of all that comes before, 64 hexadecimal characters.
 *
 *   blockpruner walk 1⏎ {"job":…}⏎ figures, streams, sum
 *
 * A file is believed whole or not at all: one that is torn, damaged or of another job is no course.
 */
import type { ByteSource } from '../../platform/byteSource.ts';
import type { Hasher } from '../../platform/sha256.ts';

const MAGIC = 'blockpruner walk 1\n';
const SUM_LENGTH = 64;
/** Bytes of the line of JSON at most: beyond it is no line of ours. */
const LONGEST_LINE = 2 ** 20;
/** Bytes that are hashed at once. */
const PIECE = 2 ** 22;

/** Candidates' streams, one below the other, and the place of the next block on their walk. */
export interface StoredWalker {
  readonly names: readonly string[];
  readonly at: number;
}

/** What the line says. Arrays follow in this order: figures, base, forks, waiting. */
export interface StoredCourse {
  /** What is priced, and on what: its hash. */
  readonly job: string;
  /** Seconds of computing so far. */
  readonly seconds: number;
  readonly passes: number;
  readonly work: { readonly passes: number; readonly streams: number; readonly headPasses: number };
  /** Rows of a stream, and their width. */
  readonly rows: number;
  readonly cols: number;
  /** The place of the unpruned stream's next block. */
  readonly base: number;
  readonly forks: readonly StoredWalker[];
  readonly waiting: readonly StoredWalker[];
  /** Names of those that are through, whose figures are kept: `perRow` numbers a row. */
  readonly figures: readonly string[];
  /** 2 where behind the negative log-likelihoods of a stream stand its KL divergences. */
  readonly perRow: 1 | 2;
}

/** Lengths of the arrays that follow. */
function lengthsOf({ rows, cols, forks, waiting, figures, perRow }: StoredCourse): number[] {
  const streams = [1, ...[...forks, ...waiting].map(({ names }) => names.length)];
  return [...figures.map(() => perRow * rows), ...streams.map((count) => count * rows * cols)];
}

/**
 * The file, piece by piece.
 * @param arrays those that the course names, each asked for when the one before is written.
 */
export async function* encodeCourse(
  course: StoredCourse,
  arrays: AsyncIterable<Float32Array>,
  hasher: Hasher,
): AsyncGenerator<Uint8Array, void> {
  const line = new TextEncoder().encode(`${MAGIC}${JSON.stringify(course)}\n`);
  hasher.update(line);
  yield line;
  for await (const array of arrays) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    hasher.update(bytes);
    yield bytes;
  }
  yield new TextEncoder().encode(hasher.digest());
}

/** A course that was read back, and its arrays in their order, each read when it is asked for. */
export interface ReadCourse {
  readonly course: StoredCourse;
  readonly arrays: AsyncGenerator<Float32Array, void>;
}

/** Why a file is not gone on from. */
export type NoCourse = 'damaged' | 'another job';

/**
 * Reads a file back, once its sum was found right.
 * @param job the hash of what is to be priced.
 * @throws AccessError when it cannot be read.
 */
export async function decodeCourse(
  source: ByteSource,
  job: string,
  newHasher: () => Hasher,
): Promise<ReadCourse | NoCourse> {
  const start = await source.read(0, Math.min(source.size, MAGIC.length + LONGEST_LINE));
  const magic = new TextDecoder('latin1').decode(start.subarray(0, MAGIC.length));
  const end = start.indexOf(10, MAGIC.length);
  if (magic !== MAGIC || end < 0) return 'damaged';
  const course = parseLine(start.subarray(MAGIC.length, end));
  if (course === null) return 'damaged';
  const counts = lengthsOf(course);
  const sumAt = end + 1 + 4 * counts.reduce((sum, count) => sum + count, 0);
  if (source.size !== sumAt + SUM_LENGTH || !(await fitsSum(source, sumAt, newHasher()))) return 'damaged';
  if (course.job !== job) return 'another job';
  return { course, arrays: arraysOf(source, end + 1, counts) };
}

async function fitsSum(source: ByteSource, sumAt: number, hasher: Hasher): Promise<boolean> {
  for (let at = 0; at < sumAt; at += PIECE) hasher.update(await source.read(at, Math.min(PIECE, sumAt - at)));
  const sum = new TextDecoder('latin1').decode(await source.read(sumAt, SUM_LENGTH));
  return sum === hasher.digest();
}

async function* arraysOf(
  source: ByteSource,
  from: number,
  counts: readonly number[],
): AsyncGenerator<Float32Array, void> {
  let at = from;
  for (const count of counts) {
    const bytes = await source.read(at, 4 * count);
    at += bytes.length;
    yield new Float32Array(bytes.buffer, bytes.byteOffset, count);
  }
}

/** The line, as far as it decides how the rest is read; the sum vouches for its meaning. */
function parseLine(line: Uint8Array): StoredCourse | null {
  try {
    const course = JSON.parse(new TextDecoder().decode(line)) as StoredCourse;
    const counts = lengthsOf(course);
    return counts.every((count) => Number.isSafeInteger(count) && count >= 0) ? course : null;
  } catch {
    return null;
  }
}
