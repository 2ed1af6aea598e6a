/** From a request's target to a file in the served folder, and to none outside. */
import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** A folder, and whether its address ends with a slash. */
export interface ServedFolderPath {
  readonly kind: 'folder';
  readonly path: string;
  readonly parts: readonly string[];
  readonly slash: boolean;
}

/** What a target leads to; paths are real ones. */
export type Served = { readonly kind: 'file'; readonly path: string } | ServedFolderPath | { readonly kind: 'none' };

const NONE: Served = { kind: 'none' };

/**
 * The parts of a target's path, decoded once: `/a%20b/c?x` → `a b`, `c`.
 * @returns null for what is no plain path downwards: `..`, dot files, empty parts, a separator of
 * Windows, a NUL, or what is not percent-encoded UTF-8.
 */
export function pathParts(target: string): { parts: string[]; slash: boolean } | null {
  const [path] = target.split(/[?#]/, 1);
  if (!path.startsWith('/')) return null;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path.slice(1));
  } catch {
    return null;
  }
  const slash = decoded === '' || decoded.endsWith('/');
  const parts = decoded === '' ? [] : decoded.replace(/\/$/, '').split('/');
  return parts.every(isPlain) ? { parts, slash } : null;
}

function isPlain(part: string): boolean {
  // A colon names a drive or a stream of a file on Windows.
  return part !== '' && !part.startsWith('.') && !/[\0\\]/.test(part) && !(sep === '\\' && part.includes(':'));
}

/**
 * @param root the folder's real path.
 * @throws what the file system does, other than for what is not there.
 */
export async function servedPath(root: string, target: string): Promise<Served> {
  const found = pathParts(target);
  if (found === null) return NONE;
  const { parts, slash } = found;
  try {
    const path = await realpath(join(root, ...parts));
    // Links may lead elsewhere in the folder, to what it would serve by its own name.
    const inside = relative(root, path);
    if (inside !== '' && !inside.split(sep).every(isPlain)) return NONE;
    const about = await stat(path);
    if (about.isDirectory()) return { kind: 'folder', path, parts, slash };
    // A file is no folder, whatever its address says.
    return about.isFile() && !slash ? { kind: 'file', path } : NONE;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return NONE;
    throw error;
  }
}
