/** How a model on the hub is named on the command line. */
export interface HubId {
  /** `owner/name`. */
  readonly repo: string;
  /** A .gguf file of the repository, from `owner/name/file.gguf`; null for the repository's model. */
  readonly file: string | null;
}

/** `owner/name` or `owner/name/file.gguf`; null for anything else, such as a path that begins with `.` or `/`. */
export function parseHubId(argument: string): HubId | null {
  const match = /^(\w[\w.-]*\/\w[\w.-]*)(?:\/([^/\\:]+\.gguf))?$/i.exec(argument);
  if (match === null || argument.includes('..')) return null;
  return { repo: match[1], file: match[2] ?? null };
}
