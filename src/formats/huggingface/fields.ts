import { FormatError, UnsupportedModelError } from '../../errors.ts';
import { shortJson } from '../quoted.ts';

/**
 * Typed access to the fields of one JSON object. Remembers which were asked for, so that what is
 * left over can be reported, and names field and file in every error.
 */
export class Fields {
  readonly where: string;
  readonly #json: Readonly<Record<string, unknown>>;
  /** Path of this object in the file: empty, or `rope_scaling.`. */
  readonly #path: string;
  readonly #seen = new Set<string>();

  /** @throws FormatError when `json` is not an object. */
  constructor(json: unknown, where: string, path = '') {
    this.where = where;
    this.#path = path;
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw this.bad(`${path === '' ? 'the config' : `field '${path.slice(0, -1)}'`} is not a JSON object.`);
    }
    this.#json = json as Record<string, unknown>;
  }

  /** The value as it is; undefined when absent. */
  raw(name: string): unknown {
    this.#seen.add(name);
    return Object.hasOwn(this.#json, name) ? this.#json[name] : undefined;
  }

  /** Whether the field is there and not null. */
  has(name: string): boolean {
    return (this.raw(name) ?? null) !== null;
  }

  /** Full names of the fields nobody asked for. */
  unread(): string[] {
    return Object.keys(this.#json)
      .filter((name) => !this.#seen.has(name))
      .map((name) => this.#path + name);
  }

  /**
   * A whole number 1 … maximum.
   * @param fallback what an absent or null field means; without one it is required.
   */
  count(name: string, maximum: number, fallback?: number): number {
    const value = this.raw(name) ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maximum) return value;
    throw this.#unexpected(name, value, `a whole number from 1 to ${maximum}`);
  }

  /** A finite number above 0. */
  positive(name: string, fallback?: number): number {
    const value = this.raw(name) ?? fallback;
    if (typeof value === 'number' && value > 0 && value < Infinity) return value;
    throw this.#unexpected(name, value, 'a number above 0');
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.#unexpected(name, value, 'true or false');
  }

  text(name: string, fallback?: string): string {
    const value = this.raw(name) ?? fallback;
    if (typeof value === 'string') return value;
    throw this.#unexpected(name, value, 'a string');
  }

  /**
   * Token ids: one, a list, or none where the field is absent, null or negative (Llama 1 wrote −1
   * for none).
   */
  tokenIds(name: string): number[] {
    const value = this.raw(name) ?? [];
    const ids = Array.isArray(value) ? (value as unknown[]) : [value];
    if (!ids.every((id) => Number.isSafeInteger(id))) throw this.#unexpected(name, value, 'a token id');
    return (ids as number[]).filter((id) => id >= 0);
  }

  bad(message: string): FormatError {
    return new FormatError(message, { where: this.where });
  }

  unsupported(name: string, value: unknown, remedy?: string): UnsupportedModelError {
    return new UnsupportedModelError(`${this.#path}${name} = ${shortJson(value)} is not supported.`, {
      where: this.where,
      remedy,
    });
  }

  #unexpected(name: string, value: unknown, wanted: string): FormatError {
    const field = `field '${this.#path}${name}'`;
    return this.bad(
      value === undefined ? `${field} is missing.` : `${field} is ${shortJson(value)}, expected ${wanted}.`,
    );
  }
}
