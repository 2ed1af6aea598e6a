/** Writes the values of a GGUF header one after the other: the counterpart of reader.ts. */
import { ShapeError } from '../../errors.ts';
import { quoted } from '../quoted.ts';
import {
  isNumberType,
  minimumBytes,
  readNumber,
  valueTypes,
  writeNumber,
  type GgufNumberType,
  type GgufType,
  type GgufValue,
  type TypedValue,
} from './valueTypes.ts';

export class GgufWriter {
  readonly #utf8 = new TextEncoder();
  #buffer = new Uint8Array(1 << 12);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  /** The bytes written so far. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  u32(value: number): void {
    this.#number('u32', value, 'a header field');
  }

  u64(value: number): void {
    this.#integer64('u64', value, 'a header field');
  }

  string(text: string): void {
    const bytes = this.#utf8.encode(text);
    this.u64(bytes.length);
    const at = this.#grow(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /**
   * A u32 type and its value. An f32 is rounded to nearest; an integer must be one that its type
   * holds.
   * @param key names the value in messages.
   * @throws ShapeError when the value is not of its type.
   */
  value({ type, value }: TypedValue, key: string): void {
    this.u32(typeId(type));
    this.#untyped(type, value, key);
  }

  #untyped(type: GgufType, value: GgufValue, key: string): void {
    if (typeof type === 'string') return this.#scalar(type, value, key);
    if (typeof value !== 'object') throw mismatch(key, 'array', value);
    this.u32(typeId(type.array));
    this.u64(value.length);
    for (const item of value as Iterable<GgufValue>) this.#untyped(type.array, item, key);
  }

  #scalar(type: Exclude<GgufType, object>, value: GgufValue, key: string): void {
    if (isNumberType(type) && typeof value === 'number') return this.#number(type, value, key);
    if (type === 'string' && typeof value === 'string') return this.string(value);
    if (type === 'bool' && typeof value === 'boolean') return this.#number('u8', value ? 1 : 0, key);
    if ((type === 'u64' || type === 'i64') && (typeof value === 'bigint' || Number.isSafeInteger(value))) {
      return this.#integer64(type, value as number | bigint, key);
    }
    throw mismatch(key, type, value);
  }

  #number(type: GgufNumberType, value: number, key: string): void {
    const at = this.#grow(minimumBytes[type]);
    writeNumber(this.#view, at, type, value);
    const isFloat = type === 'f32' || type === 'f64';
    if (!isFloat && readNumber(this.#view, at, type) !== value) throw mismatch(key, type, value);
  }

  #integer64(type: 'u64' | 'i64', value: number | bigint, key: string): void {
    const wide = BigInt(value);
    const wrapped = type === 'u64' ? BigInt.asUintN(64, wide) : BigInt.asIntN(64, wide);
    if (wrapped !== wide) throw mismatch(key, type, value);
    // Growing may replace the view, so it comes first.
    const at = this.#grow(8);
    this.#view.setBigInt64(at, wide, true);
  }

  /** Makes room for `length` more bytes and returns where they begin. */
  #grow(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#buffer);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

function typeId(type: GgufType): number {
  return valueTypes.indexOf(typeof type === 'string' ? type : 'array');
}

function mismatch(key: string, type: string, value: GgufValue): ShapeError {
  const shown = typeof value === 'object' ? 'an array' : String(value).slice(0, 40);
  return new ShapeError(`GGUF key ${quoted(key)} of type ${type} cannot hold ${shown}.`);
}
