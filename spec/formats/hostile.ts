/**
 * Hostile input, and what every parser owes to it: a whole result or a typed error that fits one
 * line. Reads outside the source are caught by `watchedSource`, which fails with an error of no
 * type of ours.
 */
import { fc } from '@fast-check/vitest';
import { expect } from 'vitest';
import { BlockprunerError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/platform/byteSource.ts';

/** Passes what `parse` gives to `check`; an error must be one of ours. */
export async function survives<T>(parse: () => T | Promise<T>, check: (result: T) => void): Promise<void> {
  let result: T;
  try {
    result = await parse();
  } catch (error) {
    expectTyped(error);
    return;
  }
  check(result);
}

/** A typed error whose message is one line, with nothing in it that steers a terminal. */
export function expectTyped(error: unknown): void {
  if (!(error instanceof BlockprunerError)) throw error;
  expect(error.message).toMatch(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,2000}$/u);
}

/** No undefined and no NaN anywhere. */
export function expectWhole(value: unknown): void {
  const broken = value === undefined || (typeof value === 'number' && Number.isNaN(value));
  if (broken) throw new Error(`the result holds ${String(value)}`);
  if (value instanceof Map || Array.isArray(value)) for (const item of value.values()) expectWhole(item);
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) expectWhole(item);
}

/**
 * A byte source that notes what is read and fails loudly, with no typed error, on a read beyond its
 * end.
 */
export function watchedSource(
  bytes: Uint8Array,
): ByteSource & { readonly reads: { offset: number; length: number }[] } {
  const reads: { offset: number; length: number }[] = [];
  return {
    name: 'watched',
    size: bytes.length,
    reads,
    read(offset, length) {
      const valid = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0;
      if (!valid || offset + length > bytes.length) {
        return Promise.reject(new Error(`over-read: ${length} bytes at ${offset} of ${bytes.length}`));
      }
      reads.push({ offset, length });
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
    assertUnchanged: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/**
 * Texts that have broken parsers: paths, inherited names, half characters, terminal escapes, line
 * ends.
 */
export const hostileTexts: readonly string[] = [
  '',
  '../x',
  '/etc/passwd',
  '__proto__',
  'constructor',
  'toString',
  '\ud83d',
  'a\udc00',
  '\u001b[2J',
  'two\nlines',
  'two\u2028lines',
  '\u009b31m',
  '\0',
  '\ufeff',
  'x'.repeat(3000),
];

export const hostileNumbers: readonly number[] = [
  -1,
  -0,
  0,
  1,
  0.5,
  255,
  256,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 64,
  1e300,
  -1e300,
  5e-324,
];

/** What a field may wrongly hold. */
export const hostileValues: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...hostileTexts),
  fc.constantFrom<unknown>(...hostileNumbers),
  fc.constantFrom<unknown>(null, undefined, true, false, [], {}, [null], [[]], [-1], { type: null }),
  fc.jsonValue({ maxDepth: 2 }),
);

/**
 * A JSON value with up to three fields, found by chance, that are replaced, removed, renamed, or
 * given a copy of another part of the value.
 */
export function mutated(json: unknown, values: fc.Arbitrary<unknown> = hostileValues): fc.Arbitrary<unknown> {
  const change = fc.record({
    path: fc.array(fc.nat(400), { minLength: 1, maxLength: 5 }),
    kind: fc.constantFrom(
      'replace' as const,
      'replace' as const,
      'remove' as const,
      'rename' as const,
      'copy' as const,
    ),
    name: fc.constantFrom(...hostileTexts),
    value: values,
    from: fc.array(fc.nat(400), { minLength: 1, maxLength: 3 }),
  });
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy: unknown = structuredClone(json);
    for (const { path, kind, name, value, from } of changes) {
      const place = find(copy, path);
      if (place === null) continue;
      const { node, key } = place;
      if (kind === 'replace') node[key] = value;
      else if (kind === 'copy') node[key] = structuredClone(valueAt(json, from));
      else {
        // Plain assignment to __proto__ would change the object's prototype, which no JSON text
        // can.
        if (kind === 'rename' && !Array.isArray(node))
          Object.defineProperty(node, name, { value: node[key], ...plainField });
        if (key !== name) delete node[key];
      }
    }
    return copy;
  });
}

const plainField = { enumerable: true, writable: true, configurable: true } as const;

function find(node: unknown, path: readonly number[]): { node: Record<string, unknown>; key: string } | null {
  if (typeof node !== 'object' || node === null) return null;
  const keys = Object.keys(node);
  if (keys.length === 0) return null;
  const key = keys[path[0] % keys.length];
  const record = node as Record<string, unknown>;
  return (path.length > 1 ? find(record[key], path.slice(1)) : null) ?? { node: record, key };
}

function valueAt(node: unknown, path: readonly number[]): unknown {
  const place = find(node, path);
  return place === null ? node : place.node[place.key];
}

const share = fc.double({ min: 0, max: 1, noNaN: true });
const span = fc.tuple(share, fc.integer({ min: 1, max: 20 }));

/** Sizes and offsets as files have them, at and beyond what a number or a file holds. */
const words = fc.constantFrom(
  0n,
  1n,
  2n,
  3n,
  32n,
  255n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
);

/**
 * A way to damage bytes: some or whole words overwritten, some cut out, some put in twice, the end
 * torn off.
 */
export const someDamage: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc
  .record({
    edits: fc.array(fc.tuple(share, fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    words: fc.array(fc.tuple(share, words), { maxLength: 1 }),
    cut: fc.option(span, { freq: 2 }),
    repeat: fc.option(span, { freq: 2 }),
    end: fc.option(share, { freq: 2 }),
  })
  .map(({ edits, words: overwritten, cut, repeat, end }) => (bytes) => {
    let out: Uint8Array = bytes.slice();
    // Most damage is done near the start, where the header is.
    const place = (at: number): number => Math.floor(at ** 3 * out.length);
    for (const [at, value] of edits) if (out.length > 0) out[Math.min(place(at), out.length - 1)] = value;
    for (const [at, value] of overwritten) {
      const from = place(at) & ~3;
      if (from + 8 <= out.length) new DataView(out.buffer).setBigUint64(from, value, true);
    }
    if (cut !== null) out = joined(out.subarray(0, place(cut[0])), out.subarray(place(cut[0]) + cut[1]));
    if (repeat !== null) out = joined(out.subarray(0, place(repeat[0]) + repeat[1]), out.subarray(place(repeat[0])));
    return end === null ? out : out.subarray(0, place(end));
  });

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

/**
 * Lists and objects nested `depth` deep: JSON.parse makes them, recursion over them does not
 * return.
 */
export function nestedJson(depth: number): unknown {
  return JSON.parse('{"type":['.repeat(depth) + ']}'.repeat(depth));
}
