import type { Journal } from './journal.ts';
import { decodeKept, encodeKept, type Kept } from './journalPiece.ts';

/**
 * A value that is computed once and kept in the journal under `key`: a resumed run gets the same
 * bits from there.
 */
export async function* once<T extends Kept, Event>(
  journal: Journal,
  key: string,
  compute: () => Promise<T> | AsyncGenerator<Event, T>,
): AsyncGenerator<Event, T> {
  const kept = journal.piece(key);
  if (kept !== null) return kept.value as T;
  const started = performance.now();
  const found = compute();
  const value = found instanceof Promise ? await found : yield* found;
  await journal.addPiece({ type: 'piece', key, seconds: (performance.now() - started) / 1000, value });
  // As a resumed run reads it, so that both go on with the same.
  return decodeKept(encodeKept(value)) as T;
}
