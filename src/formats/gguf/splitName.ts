/**
 * Names of the parts of a split GGUF file, as llama-gguf-split writes them:
 * `NAME-00001-of-00003.gguf`.
 */

const pattern = /^(.+)-(\d{5})-of-(\d{5})(\.gguf)$/i;

/** More parts than any published model has, few enough to keep all of them open. */
export const MAX_PARTS = 1024;

export interface SplitName {
  /** Counted from 1. */
  readonly part: number;
  readonly count: number;
  /** The names of all parts, in order. */
  readonly all: readonly string[];
}

/** What a file name says of its place among parts; null for the name of a whole file. */
export function parseSplitName(file: string): SplitName | null {
  const [, name, digits, of, ending] = pattern.exec(file) ?? [];
  const [part, count] = [Number(digits), Number(of)];
  if (!(part >= 1 && part <= count && count <= MAX_PARTS)) return null;
  const all = Array.from({ length: count }, (_, i) => `${name}-${String(i + 1).padStart(5, '0')}-of-${of}${ending}`);
  return { part, count, all };
}

/**
 * The GGUF models among a folder's files, sorted; of a split one, its first part stands for all.
 */
export function ggufModels(files: Iterable<string>): string[] {
  const names = [...files].filter((file) => file.toLowerCase().endsWith('.gguf'));
  const there = new Set(names);
  return names
    .filter((name) => {
      const split = parseSplitName(name);
      return split === null || split.part === 1 || !there.has(split.all[0]);
    })
    .toSorted();
}
