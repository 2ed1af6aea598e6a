/** Reads the values of a GGUF header one after the other. */
import { FormatError } from '../../errors.ts';
import {
  isNumberType,
  minimumBytes,
  numberArrays,
  readNumber,
  valueTypes,
  type GgufScalarType,
  type GgufType,
  type GgufValue,
  type TypedValue,
} from './valueTypes.ts';

/**
 * Thrown where the window of the file ends inside the header: a longer one is needed. Never leaves
 * parse.ts.
 */
export class NeedMoreBytes extends Error {}

/** The format sets no limit; no file in use nests at all. */
const MAX_DEPTH = 4;

/**
 * Walks a window that starts at the file's first byte. Every size the file claims is checked
 * against the bytes that the whole file has left before anything of that size is made.
 */
export class GgufReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fileSize: number;
  readonly #where: string;
  /** A byte order mark is a token like any other: it stays. */
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #at = 0;
  #isText = true;

  constructor(window: Uint8Array, fileSize: number, where: string) {
    this.#bytes = window;
    this.#view = new DataView(window.buffer, window.byteOffset, window.length);
    this.#fileSize = fileSize;
    this.#where = where;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at;
  }

  fail(message: string): FormatError {
    return new FormatError(message, {
      where: this.#where,
      remedy: 'The file is damaged or not a GGUF file; copy or download it again.',
    });
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A u64 that a number holds exactly. `what` names it in the message. */
  u64(what: string): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.fail(`${what} of ${value} is impossible.`);
    return Number(value);
  }

  /** A u64 that counts things of at least `each` bytes which follow. */
  count(what: string, each: number): number {
    const value = this.u64(what);
    if (value * each > this.#fileSize - this.#at) throw this.fail(`${what} of ${value} is more than the file holds.`);
    return value;
  }

  /** A string that must be UTF-8. */
  string(): string {
    const { from, bytes } = this.#stringBytes();
    try {
      return this.#utf8.decode(bytes);
    } catch {
      throw this.fail(`the string at byte ${from} is not UTF-8.`);
    }
  }

  /**
   * The name of a key. Nobody asks for one that is not UTF-8; its bytes become characters.
   */
  key(): string {
    const { bytes } = this.#stringBytes();
    return decoded(this.#utf8, bytes) ?? latin1(bytes);
  }

  /**
   * A u32 type and the value that follows it. `isText`: all its strings are UTF-8; what is not has
   * U+FFFD.
   */
  value(): TypedValue & { isText: boolean } {
    this.#isText = true;
    const type = this.#type();
    const value = type === 'array' ? this.#array(1) : { type, value: this.#scalar(type) };
    return { ...value, isText: this.#isText };
  }

  #stringBytes(): { from: number; bytes: Uint8Array } {
    const length = this.count('a string length', 1);
    const from = this.#take(length);
    return { from, bytes: this.#bytes.subarray(from, from + length) };
  }

  #text(): string {
    const { bytes } = this.#stringBytes();
    const text = decoded(this.#utf8, bytes);
    this.#isText &&= text !== null;
    return text ?? lenient.decode(bytes);
  }

  #type(): (typeof valueTypes)[number] {
    const id = this.u32();
    const type = valueTypes[id];
    if (type === undefined) throw this.fail(`metadata value type ${id} does not exist.`);
    return type;
  }

  #array(depth: number): TypedValue {
    if (depth > MAX_DEPTH) throw this.fail(`arrays are nested deeper than ${MAX_DEPTH}.`);
    const element = this.#type();
    const count = this.count('an array length', minimumBytes[element]);
    if (element === 'array') return this.#arrayOfArrays(count, depth);
    const type: GgufType = { array: element };
    if (isNumberType(element)) {
      const from = this.#take(count * minimumBytes[element]);
      // A copy: the typed array needs an aligned start, and must not keep the window alive.
      const copy = new Uint8Array(this.#bytes.subarray(from, this.#at));
      return { type, value: new numberArrays[element](copy.buffer) };
    }
    const items: GgufValue[] = [];
    for (let i = 0; i < count; i++) items.push(this.#scalar(element));
    return { type, value: items };
  }

  #arrayOfArrays(count: number, depth: number): TypedValue {
    const items: GgufValue[] = [];
    // Where there is no inner array to tell, any type does.
    let inner: GgufType = { array: 'u8' };
    for (let i = 0; i < count; i++) {
      const { type, value } = this.#array(depth + 1);
      if (i === 0) inner = type;
      else if (!sameType(type, inner)) throw this.fail('an array mixes arrays of different types.');
      items.push(value);
    }
    return { type: { array: inner }, value: items };
  }

  #scalar(type: GgufScalarType): GgufValue {
    if (type === 'string') return this.#text();
    const at = this.#take(minimumBytes[type]);
    if (isNumberType(type)) return readNumber(this.#view, at, type);
    if (type === 'u64') return exact(this.#view.getBigUint64(at, true));
    if (type === 'i64') return exact(this.#view.getBigInt64(at, true));
    if (this.#bytes[at] > 1) throw this.fail(`the bool at byte ${at} is ${this.#bytes[at]}, neither 0 nor 1.`);
    return this.#bytes[at] === 1;
  }

  /** Moves past `length` bytes and returns where they begin. */
  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#fileSize) throw this.fail(`the file ends at byte ${this.#fileSize}, inside its header.`);
    if (from + length > this.#bytes.length) throw new NeedMoreBytes();
    this.#at = from + length;
    return from;
  }
}

const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

function decoded(utf8: TextDecoder, bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

function sameType(a: GgufType, b: GgufType): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return sameType(a.array, b.array);
}

function exact(value: bigint): number | bigint {
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) ? rounded : value;
}
