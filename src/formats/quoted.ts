import { escapeControls, shortened } from '../errors.ts';

/**
 * Text from a file, fit for a one-line message: quoted, control characters escaped, cut when long.
 * A hostile name must not reach the terminal as it is.
 */
export function quoted(text: string, length = 80): string {
  const shown = text.length > length ? `${shortened(text, length)}…` : text;
  return `'${escapeControls(shown)}'`;
}

/** The first `most` of a list of names, and how many more there are. */
export function fewQuoted(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).map((name) => quoted(name, 60));
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}

/** Any JSON value in a few characters, for messages. */
export function shortJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value, 40);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
