/** JSON values and names out of a file in a few words, for messages. */
import { escapeControls, shortened } from '../errors.ts';

/** As many fields as a message names. */
const MOST_NAMES = 8;

export function names(keys: readonly string[]): string {
  const some = keys.slice(0, MOST_NAMES).map((key) => named(key, ''));
  return keys.length > MOST_NAMES ? `${some.join(', ')} and ${keys.length - MOST_NAMES} more` : some.join(', ');
}

/** A key out of a file, short and without what steers a terminal. */
export function named(key: string, quote: string = "'"): string {
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

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
