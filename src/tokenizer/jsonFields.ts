import { escapeControls, FormatError, shortened } from '../errors.ts';

/** A JSON object whose fields nobody has checked yet. */
export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Far above any real vocabulary, and small enough for arrays indexed by id. */
const MAX_ID = 1 << 22;

/** Whether a value can be a token's id. */
export function isTokenId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MAX_ID;
}

/** @throws FormatError naming the field. */
export function textField(json: JsonRecord, key: string, where: string): string {
  const value = json[key];
  if (typeof value !== 'string') throw new FormatError(`'${key}' is not a string.`, { where });
  return value;
}

/**
 * A field that may be missing or null.
 * @throws FormatError when it is anything but true or false.
 */
export function flagField(json: JsonRecord, key: string, fallback: boolean, where: string): boolean {
  const value = json[key] ?? fallback;
  if (typeof value !== 'boolean') throw new FormatError(`'${key}' is neither true nor false.`, { where });
  return value;
}

/**
 * Text out of a file, fit for a one-line message: quoted, cut when long, nothing in it that steers
 * a terminal.
 */
export function shown(text: string, length = 60): string {
  return escapeControls(JSON.stringify(shortened(text, length)));
}

/** A list that may be missing or null. @throws FormatError when it is not a list. */
export function listField(json: JsonRecord, key: string, where: string): unknown[] {
  const value = json[key] ?? [];
  if (!Array.isArray(value)) throw new FormatError(`'${key}' is not a list.`, { where });
  return value;
}
