/** Paths in a config file, which count from the file's folder. */
import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { parseHubId } from '../../platform/hub/hubId.ts';
import { isMethodFile } from '../methodArgument.ts';

/** Options whose values are paths. */
export const pathOptions: readonly string[] = ['data', 'eval', 'valid', 'out', 'run', 'write'];

/** Whether a value of an option is a path: these may be something else, too. */
function isPath(name: string, value: string): boolean {
  if (name === 'method') return isMethodFile(value);
  // A list of removals in a file, with the step perhaps.
  if (name === 'mask') return /\.json(?:@\d+)?$/.test(value);
  return pathOptions.includes(name);
}

/** A value as it is read from the working folder. @param folder the config's. */
export function placed(name: string, value: string, folder: string): string {
  if (!isPath(name, value) || value === '') return value;
  const path = placedPath(value, folder);
  return name === 'method' && !isMethodFile(path) ? `.${sep}${path}` : path;
}

/** A model's folder or file where there is one; an id of the hub stays as it is. */
export function placedModel(value: string, folder: string, isHubId: boolean): string {
  if (isHubId || value.startsWith('tiny:')) return value;
  const path = placedPath(value, folder);
  return existsSync(path) || parseHubId(value) === null ? path : value;
}

function placedPath(value: string, folder: string): string {
  return folder === '.' || isAbsolute(value) ? value : join(folder, value);
}

/** The other way round: a value of the working folder, as a config in `folder` has it. */
export function seenFrom(name: string, value: string, folder: string): string {
  if (!isPath(name, value) || isAbsolute(value)) return value;
  const path = fromFolder(value, folder);
  return name === 'method' && !isMethodFile(path) ? `./${path}` : path;
}

/** The same for a model: what is there is a path, all else an id or a name. */
export function modelSeenFrom(value: string, folder: string, isHubId: boolean): string {
  return isHubId || isAbsolute(value) || !existsSync(value) ? value : fromFolder(value, folder);
}

/** With slashes, which every system reads. */
function fromFolder(value: string, folder: string): string {
  return relative(resolve(folder), resolve(value)).replaceAll(sep, '/') || '.';
}
