/** The chunks of a calibration text, as they go through the model together. */
import { DataError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';

/** Chunks that go through the model together. All of them are fitted on, or all are held out. */
export interface Unit {
  /** The unit's own number, from 0 on. */
  readonly index: number;
  /** Which chunks of the text these are. */
  readonly chunks: readonly number[];
  /** [B][T] */
  readonly ids: readonly Int32Array[];
  readonly heldOut: boolean;
}

/**
 * Rows that a unit has at least, if its kind has so many. A constant, never fitted to memory: sums
 * are rounded unit by unit, so the same text must fall into the same units under any budget.
 */
const UNIT_ROWS = 1024;

/** Of eight chunks, the last is held out from the fits. */
const HELD_OUT_OF = 8;

/** Tokens of a unit: rows of its streams. */
export function rowsOf({ ids }: Unit): number {
  return ids.length * ids[0].length;
}

/** Which rows count in a fit: those of all tokens but the ignored one, which is padding. */
export function countedRows({ ids }: Unit, ignoredId: number | null): boolean[] {
  return ids.flatMap((tokens) => Array.from(tokens, (token) => token !== ignoredId));
}

/** Chunks that one unit holds at most. */
export function unitChunks(chunk: number): number {
  return Math.max(1, Math.floor(UNIT_ROWS / chunk));
}

/**
 * The chunks that are held out: 7, 15, 23 …, or the last one of two to seven. A single chunk is
 * fitted on.
 */
export function heldOutChunks(count: number): number[] {
  const every = Array.from({ length: Math.floor(count / HELD_OUT_OF) }, (_, at) => HELD_OUT_OF * (at + 1) - 1);
  return every.length === 0 && count > 1 ? [count - 1] : every;
}

/**
 * A text's units: those to fit on, then those that are held out.
 * @throws DataError for chunks that overlap, since what is held out would be fitted on as well.
 */
export function unitsOf(chunks: Chunks): Unit[] {
  const { chunk, stride } = chunks;
  if (stride < chunk && chunks.ids.length > 1) {
    throw new DataError(`chunks of ${chunk} tokens at a stride of ${stride} overlap, so none can be held out.`, {
      where: 'repair',
      remedy: 'Leave --stride out.',
    });
  }
  const apart = new Set(heldOutChunks(chunks.ids.length));
  const all = [...chunks.ids.keys()];
  const kinds = [all.filter((index) => !apart.has(index)), all.filter((index) => apart.has(index))];
  const size = unitChunks(chunk);
  const parts = kinds.flatMap((kind) => {
    return Array.from({ length: Math.ceil(kind.length / size) }, (_, at) => kind.slice(at * size, (at + 1) * size));
  });
  return parts.map((part, index) => {
    return { index, chunks: part, ids: part.map((at) => chunks.ids[at]), heldOut: apart.has(part[0]) };
  });
}
