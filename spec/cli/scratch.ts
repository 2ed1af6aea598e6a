import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What lies below a folder: each path with the hash of its content, or what else it is. Links are
 * not followed.
 */
export function filesOf(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  return new Map(names.map((name) => [join(folder, name), contentOf(join(folder, name))]));
}

function contentOf(path: string): string {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (stat.isDirectory()) return 'folder';
  if (!stat.isFile()) return 'special file';
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** A new folder with these files; what is not a text is written as JSON. */
export function folderOf(path: string, files: Readonly<Record<string, unknown>>): string {
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return path;
}
