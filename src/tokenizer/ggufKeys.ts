import { FormatError } from '../errors.ts';

/**
 * The metadata of a GGUF file: arrays of numbers may be typed arrays, integers of 64 bits bigints.
 */
export type GgufMetadata = ReadonlyMap<string, unknown>;

/**
 * Reads `tokenizer.ggml.*` keys. A key that is not there gives null.
 * @throws FormatError for one of another type.
 */
export class GgufKeys {
  readonly #metadata: GgufMetadata;
  /** Of the file, for messages. */
  readonly name: string;

  constructor(metadata: GgufMetadata, name: string) {
    this.#metadata = metadata;
    this.name = name;
  }

  bad(key: string, problem: string): FormatError {
    return new FormatError(`tokenizer.ggml.${key} ${problem}`, {
      where: this.name,
      remedy: 'Copy or download the file again, or convert it again.',
    });
  }

  text(key: string): string | null {
    const value = this.#get(key);
    if (value !== null && typeof value !== 'string') throw this.bad(key, 'is not a string.');
    return value;
  }

  flag(key: string): boolean | null {
    const value = this.#get(key);
    if (value !== null && typeof value !== 'boolean') throw this.bad(key, 'is neither true nor false.');
    return value;
  }

  /** A token's id. */
  id(key: string): number | null {
    const value = this.#get(key);
    if (value === null) return null;
    const id = typeof value === 'bigint' ? Number(value) : value;
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) throw this.bad(key, 'is not a token id.');
    return id;
  }

  /** A list of texts, which must be there. */
  texts(key: string): readonly string[] {
    const value = this.#get(key);
    if (!Array.isArray(value)) throw this.bad(key, value === null ? 'is missing.' : 'is not a list.');
    if (!value.every((entry) => typeof entry === 'string'))
      throw this.bad(key, 'holds something that is not a string.');
    return value;
  }

  /** A list of numbers, none of them NaN. */
  numbers(key: string): ArrayLike<number> | null {
    const value = this.#get(key);
    if (value === null) return null;
    const list =
      ArrayBuffer.isView(value) && !(value instanceof DataView) ? value : Array.isArray(value) ? value : null;
    if (list === null) throw this.bad(key, 'is not a list.');
    const numbers = Array.from(list as ArrayLike<unknown>, (entry) =>
      typeof entry === 'bigint' ? Number(entry) : entry,
    );
    if (!numbers.every((entry) => typeof entry === 'number' && !Number.isNaN(entry))) {
      throw this.bad(key, 'holds something that is not a number.');
    }
    return numbers as number[];
  }

  #get(key: string): unknown {
    return this.#metadata.get(`tokenizer.ggml.${key}`) ?? null;
  }
}
