/**
 * What a method keeps in the journal beside a search's records: a value under a name, computed once
 * and read back on resume with the same bits. JSON has neither NaN, nor infinities, nor −0; such a
 * number is written as {"$number":"NaN"}, so no key of a kept object may begin with "$".
 */
import { FormatError } from '../errors.ts';

/** What can be kept. Typed arrays are kept as plain ones (`Array.from`). */
export type Kept = null | boolean | number | string | readonly Kept[] | { readonly [key: string]: Kept };

export interface PieceRecord {
  type: 'piece';
  /** The value's name; a journal holds each once. */
  key: string;
  /** Seconds of computing that it took. */
  seconds: number;
  value: Kept;
}

const specialNumbers: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity', '-0']);
const SPECIAL = '$number';
/** Levels of arrays and objects; what is nested deeper than this was not kept by us. */
const DEEPEST = 32;

/**
 * The value as JSON can hold it.
 * @throws FormatError for what JSON would lose: undefined, a typed array, a key that begins with
 * "$".
 */
export function encodeKept(value: Kept, depth = 0): unknown {
  if (depth > DEEPEST) throw notKept(`more than ${DEEPEST} levels of arrays and objects`);
  if (typeof value === 'number') {
    const lost = !Number.isFinite(value) || Object.is(value, -0);
    return lost ? { [SPECIAL]: Object.is(value, -0) ? '-0' : String(value) } : value;
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return (value as readonly Kept[]).map((inner) => encodeKept(inner, depth + 1));
  if (!isPlainObject(value)) throw notKept(`a value of type ${Object.prototype.toString.call(value).slice(8, -1)}`);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]): [string, unknown] => {
      if (key.startsWith('$')) throw notKept(`the key '${key}'`);
      return [key, encodeKept(inner as Kept, depth + 1)];
    }),
  );
}

/** The value of which `encodeKept` made this; undefined where it made no such thing. */
export function decodeKept(value: unknown, depth = 0): Kept | undefined {
  if (depth > DEEPEST) return undefined;
  if (value === null || typeof value !== 'object') return value as Kept | undefined;
  if (Array.isArray(value)) {
    const inner = value.map((own) => decodeKept(own, depth + 1));
    return inner.includes(undefined) ? undefined : (inner as Kept[]);
  }
  const entries = Object.entries(value);
  if (SPECIAL in value) {
    const text: unknown = entries[0][1];
    return entries.length === 1 && typeof text === 'string' && specialNumbers.has(text) ? Number(text) : undefined;
  }
  const inner = entries.map(([key, own]) => [key, decodeKept(own, depth + 1)] as const);
  if (inner.some(([key, own]) => key.startsWith('$') || own === undefined)) return undefined;
  return Object.fromEntries(inner) as Kept;
}

/** An object as JSON.parse makes it: of no class, and no typed array. */
function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function notKept(what: string): FormatError {
  return new FormatError(`a journal cannot keep ${what}.`, {
    remedy: 'Keep numbers, texts, plain arrays and plain objects.',
  });
}
