/** Reads a method's settings: only those it has, each of its default's kind. */
import { UsageError } from '../../errors.ts';

/** Settings by name with their defaults. A number is a whole one from 0 on, such as a seed. */
export type Defaults = Readonly<Record<string, boolean | number | string>>;

/**
 * The defaults with what was given in their place; `undefined` counts as not given.
 * @throws UsageError for a setting that the method does not have, or of another kind.
 */
export function readSettings<T extends Defaults>(
  method: string,
  defaults: T,
  given: Readonly<Record<string, unknown>>,
): { -readonly [K in keyof T]: T[K] } {
  const settings: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(defaults, name)) throw unknownSetting(method, name, Object.keys(defaults));
    const fits =
      typeof value === typeof defaults[name] &&
      (typeof value !== 'number' || (Number.isSafeInteger(value) && value >= 0));
    if (!fits) {
      const kinds = { boolean: 'true or false', number: 'a whole number from 0 on', string: 'a text' };
      throw new UsageError(`setting '${name}' of method ${method} is ${kinds[typeof defaults[name] as 'boolean']}.`);
    }
    settings[name] = value;
  }
  return settings as { -readonly [K in keyof T]: T[K] };
}

export function unknownSetting(method: string, name: string, known: readonly string[]): UsageError {
  return new UsageError(`method ${method} has no setting '${name.slice(0, 40)}'.`, {
    remedy: known.length === 0 ? 'It has none.' : `Its settings: ${known.join(', ')}.`,
  });
}
