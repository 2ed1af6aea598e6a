import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BlockprunerError, FormatError } from '../errors.ts';

/**
 * What a module of the user's exports.
 * @throws FormatError where it cannot be loaded, naming the file.
 */
export async function loadModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (cause) {
    if (cause instanceof BlockprunerError) throw cause;
    throw new FormatError(`cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      where: path,
      cause,
    });
  }
}
