/**
 * The keys of a GGUF file that describe its architecture (`llama.block_count`), read with their
 * limits checked.
 */
import { FormatError, UnsupportedModelError } from '../../errors.ts';
import { quoted } from '../quoted.ts';
import type { GgufFile } from './parse.ts';
import type { GgufValue } from './valueTypes.ts';

export class ArchMetadata {
  readonly #file: GgufFile;
  readonly #arch: string;

  constructor(file: GgufFile, arch: string) {
    this.#file = file;
    this.#arch = arch;
  }

  /** An error about a value that contradicts the format or the rest of the file. */
  bad(message: string): FormatError {
    return new FormatError(message, { where: this.#file.name });
  }

  /** An error about a setting that would change the numbers in a way we do not compute. */
  unsupported(key: string, value: unknown): UnsupportedModelError {
    const shown = typeof value === 'string' ? quoted(value, 40) : String(value).slice(0, 60);
    return new UnsupportedModelError(`${this.#arch}.${key} = ${shown} is not supported.`, { where: this.#file.name });
  }

  /**
   * A number, or null where the key is missing. Some writers give one number a layer: that is the
   * number where all layers agree.
   * @throws UnsupportedModelError for layers that differ, FormatError for what is not a number or
   * not one a layer.
   */
  number(key: string): number | null {
    const value = this.#get(key);
    if (value === undefined) return null;
    if (typeof value === 'number') return value;
    if (typeof value !== 'object') throw this.bad(`${this.#arch}.${key} is not a number.`);
    const layers = this.#get('block_count');
    if (value.length !== layers)
      throw this.bad(`${this.#arch}.${key} has ${value.length} entries for ${shortly(layers)} layers.`);
    const first: GgufValue = value[0];
    if (typeof first !== 'number') throw this.bad(`${this.#arch}.${key} does not hold numbers.`);
    const differing = Array.from<GgufValue>(value).find((item) => item !== first);
    if (differing !== undefined)
      throw this.unsupported(key, `different values for each layer (${first}, ${shortly(differing)} …)`);
    return first;
  }

  /**
   * A whole number 1 … `maximum`.
   * @param fallback its value where the key is missing; without one, the key is required.
   */
  count(key: string, maximum: number, fallback?: number): number {
    const value = this.number(key) ?? fallback;
    if (value === undefined) throw this.bad(`key '${this.#arch}.${key}' is missing.`);
    if (Number.isInteger(value) && value >= 1 && value <= maximum) return value;
    throw this.bad(`${this.#arch}.${key} is ${value}, expected a whole number 1 … ${maximum}.`);
  }

  /**
   * Whole numbers 0 … `maximum`, one a layer: a list, or one number that all layers have.
   * @param fallback the values where the key is missing; without them, the key is required.
   */
  counts(key: string, layers: number, maximum: number, fallback?: readonly number[]): readonly number[] {
    const value = this.#get(key);
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value !== 'object') return Array.from({ length: layers }, () => this.count(key, maximum));
    const list = Array.from<GgufValue>(value);
    if (list.length !== layers) {
      throw this.bad(`${this.#arch}.${key} has ${list.length} entries for ${layers} layers.`);
    }
    return list.map((item) => {
      if (typeof item === 'number' && Number.isInteger(item) && item >= 0 && item <= maximum) return item;
      throw this.bad(`${this.#arch}.${key} holds ${shortly(item)}, expected whole numbers 0 … ${maximum}.`);
    });
  }

  /**
   * A finite number above 0. An f32 is taken as the shortest decimal that rounds to it: 1e-6, not
   * 9.99999997e-7, which is what the model was trained with and what its config.json says.
   */
  positive(key: string, fallback?: number): number {
    const value = this.number(key) ?? fallback;
    if (value === undefined) throw this.bad(`key '${this.#arch}.${key}' is missing.`);
    if (value > 0 && value < Infinity) return shortestF32(value);
    throw this.bad(`${this.#arch}.${key} is ${value}, expected a number above 0.`);
  }

  /** A text, or null where the key is missing. */
  text(key: string): string | null {
    const value = this.#get(key);
    if (value === undefined || typeof value === 'string') return value ?? null;
    throw this.bad(`${this.#arch}.${key} is not a string.`);
  }

  /** @throws UnsupportedModelError when the key is there with another value. */
  expect(key: string, value: number | boolean): void {
    const found = this.#get(key);
    if (found === undefined || found === value) return;
    const single = typeof found === 'object' ? this.number(key) : found;
    if (single !== value) throw this.unsupported(key, single);
  }

  #get(key: string): GgufValue | undefined {
    return this.#file.metadata.get(`${this.#arch}.${key}`);
  }
}

function shortestF32(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}

function shortly(value: GgufValue | undefined): string {
  return typeof value === 'number' ? String(value) : 'no number of';
}
