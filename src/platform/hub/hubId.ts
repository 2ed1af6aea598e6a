import { isPlainFileName } from '../plainFileName.ts';

/** How a model on the hub is named on the command line. */
export interface HubId {
  /** `owner/name`, or `name` where it has no owner. */
  readonly repo: string;
  /**
   * A .gguf file of the repository, from `owner/name/file.gguf`; null for the repository's model.
   */
  readonly file: string | null;
}

/**
 * `owner/name` or `owner/name/file.gguf`; null for anything else, such as a path that begins with
 * `.` or `/`.
 */
export function parseHubId(argument: string): HubId | null {
  const match = /^(\w[\w.-]*\/\w[\w.-]*)(?:\/([^/\\:]+\.gguf))?$/i.exec(argument);
  // The hub allows neither in a name; the cache writes a `/` as `--`.
  if (match === null || /\.\.|--/.test(match[1])) return null;
  const file = match[2] ?? null;
  return file === null || isPlainFileName(file) ? { repo: match[1], file } : null;
}

/** As `parseHubId`, and `name` alone: the hub's oldest models, such as gpt2, have no owner. */
export function parseAnyHubId(argument: string): HubId | null {
  const alone = /^\w[\w.-]*$/.test(argument) && !/\.\.|--/.test(argument);
  return alone ? { repo: argument, file: null } : parseHubId(argument);
}
