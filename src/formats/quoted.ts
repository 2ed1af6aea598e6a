import { escapeControls } from '../errors.ts';

/**
 * Text from a file, fit for a one-line message: quoted, control characters escaped, cut when long. A hostile name
 * must not reach the terminal as it is.
 */
export function quoted(text: string, length = 80): string {
  const shown = text.length > length ? `${text.slice(0, length)}…` : text;
  return `'${escapeControls(shown)}'`;
}

/** Any JSON value in a few characters, for messages. */
export function shortJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value, 40);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
