/** The text or the chat of one row of JSON, or an error that says what the row holds instead. */
import { DataError } from '../errors.ts';
import { CHAT_FIELDS, chatOf, isMessage } from './chats.ts';
import { isObject, kindOf, named, names } from './jsonWords.ts';
import type { TextPart } from './textPart.ts';

/**
 * @param where file and line, for messages.
 * @param field of the row: its name, or a path of names (`meta.text`, `turns.0.value`).
 * @throws DataError that says what is at `field`, or where its text might be.
 */
export function rowPart(where: string, row: unknown, field: string): TextPart {
  if (!isObject(row)) {
    throw new DataError(`the row is ${kindOf(row)}, not an object with fields.`, {
      where,
      remedy: `Write rows as {${named(field, '"')}: "…"}, one a line.`,
    });
  }
  const value = valueAt(row, field);
  if (typeof value === 'string') return { text: value, begins: true };
  if (Array.isArray(value) && isMessage(value[0])) return { chat: chatOf(where, value), where };
  if (value !== undefined) {
    throw new DataError(`field ${named(field)} is ${kindOf(value)}, not text.`, { where, remedy: otherField(row) });
  }
  const chat = CHAT_FIELDS.find((key) => Array.isArray(row[key]));
  if (chat !== undefined) return { chat: chatOf(where, row[chat] as unknown[]), where };
  const outer = Object.keys(row).find((key) => {
    const inner = row[key];
    return isObject(inner) && typeof inner[field] === 'string';
  });
  if (outer === undefined) {
    throw new DataError(`there is no field ${named(field)}.`, { where, remedy: otherField(row) });
  }
  throw new DataError(`field ${named(field)} lies inside ${named(outer)}.`, {
    where,
    remedy: `Name it with --field ${named(`${outer}.${field}`, '')}.`,
  });
}

/** What is at a field, or at the end of a path of names; undefined where nothing is. */
function valueAt(row: Readonly<Record<string, unknown>>, field: string): unknown {
  if (Object.hasOwn(row, field)) return row[field];
  let value: unknown = row;
  for (const name of field.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

/** Which fields hold text; where none does, which fields there are. */
function otherField(row: Record<string, unknown>): string {
  const texts = Object.keys(row).filter((key) => typeof row[key] === 'string');
  if (texts.length > 0) return `Name a field of text with --field (it has: ${names(texts)}).`;
  const fields = Object.keys(row);
  return `No field of this row is text (its fields: ${fields.length === 0 ? 'none' : names(fields)}).`;
}
