/** The text of one row of a .jsonl file, or an error that says what the row holds instead. */
import { DataError, escapeControls, shortened } from '../errors.ts';

/** As many fields as a message names. */
const MOST_NAMES = 8;

/**
 * @param where file and line, for messages.
 * @throws DataError that says what is at `field`, or where its text might be.
 */
export function rowText(where: string, row: unknown, field: string): string {
  if (!isObject(row)) {
    throw new DataError(`the row is ${kindOf(row)}, not an object with fields.`, {
      where,
      remedy: `Write rows as {${named(field, '"')}: "…"}, one a line.`,
    });
  }
  const value = Object.hasOwn(row, field) ? row[field] : undefined;
  if (typeof value === 'string') return value;
  if (value !== undefined) {
    throw new DataError(`field ${named(field)} is ${kindOf(value)}, not text.`, { where, remedy: otherField(row) });
  }
  const nested = Object.keys(row).find((key) => {
    const inner = row[key];
    return isObject(inner) && typeof inner[field] === 'string';
  });
  if (nested !== undefined) {
    throw new DataError(`field ${named(field)} lies inside ${named(nested)}; only fields of the row itself are read.`, {
      where,
      remedy: `Write rows as {${named(field, '"')}: "…"}, one a line.`,
    });
  }
  const chat = ['messages', 'conversations'].find((key) => Array.isArray(row[key]));
  if (chat !== undefined) {
    throw new DataError(`the row is a chat (${named(chat)}), not text.`, {
      where,
      remedy: "Write each chat out as one text with the model's chat template first.",
    });
  }
  throw new DataError(`there is no field ${named(field)}.`, { where, remedy: otherField(row) });
}

/** Which fields hold text; where none does, which fields there are. */
function otherField(row: Record<string, unknown>): string {
  const texts = Object.keys(row).filter((key) => typeof row[key] === 'string');
  if (texts.length > 0) return `Name a field of text with --field (it has: ${names(texts)}).`;
  const fields = Object.keys(row);
  return `No field of this row is text (its fields: ${fields.length === 0 ? 'none' : names(fields)}).`;
}

function names(keys: readonly string[]): string {
  const some = keys.slice(0, MOST_NAMES).map((key) => named(key, ''));
  return keys.length > MOST_NAMES ? `${some.join(', ')} and ${keys.length - MOST_NAMES} more` : some.join(', ');
}

/** A key out of a file, short and without what steers a terminal. */
function named(key: string, quote = "'"): string {
  return `${quote}${escapeControls(key.length > 40 ? `${shortened(key, 40)}…` : key)}${quote}`;
}

/**
 * A JSON value in a few words; not what an object holds, which may be nested too deep to be written
 * out.
 */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return `the text ${named(value, '"')}`;
  return typeof value === 'number' ? `the number ${value}` : String(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
