/** The models that come along, as `tiny:planted`. */
import { NotFoundError } from '../errors.ts';
import { tinyModelFolders } from '../platform/nodeTinyModels.ts';
import { quoted } from './quoted.ts';

/** `planted` of `tiny:planted`; null for another argument. */
export function tinyName(argument: string): string | null {
  return argument.startsWith('tiny:') ? argument.slice('tiny:'.length) : null;
}

/**
 * The folder of a model that comes along; null for an argument that is not `tiny:` and a name.
 * @throws NotFoundError for a name that there is not, with those that there are.
 */
export function tinyModelFolder(argument: string): string | null {
  const name = tinyName(argument);
  if (name === null) return null;
  const folders = tinyModelFolders();
  const folder = folders.get(name);
  if (folder !== undefined) return folder;
  throw new NotFoundError(`no model called ${quoted(name)} comes with blockpruner.`, {
    where: argument,
    remedy: `Those that do: ${[...folders.keys()].map((one) => `tiny:${one}`).join(', ')}.`,
  });
}
