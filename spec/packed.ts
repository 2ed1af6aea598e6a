/** What spec/package.spec.ts asks of npm, of folders and of pages. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { root } from './sources.ts';

/**
 * Runs npm in a folder as a user does there: what `npm test` tells its children of the checkout
 * would lead it back here.
 */
export function npm(args: readonly string[], cwd: string): Promise<{ stdout: string; stderr: string }> {
  const inherited = Object.entries(process.env).filter(([name]) => {
    return !/^npm_(?:package|lifecycle|config_(?:local|global)?_?prefix)|^(?:INIT_CWD|NODE_PATH|NODE_OPTIONS)$/i.test(
      name,
    );
  });
  return promisify(execFile)('npm', args, { cwd, env: { ...Object.fromEntries(inherited), NO_COLOR: '1' } });
}

/** Bytes and files of a folder, or of some of its files. */
export function weight(folder: string, only?: readonly string[]): { bytes: number; files: number } {
  const all = only ?? readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const found = all.map((name) => statSync(join(folder, name))).filter((entry) => entry.isFile());
  return { bytes: found.reduce((sum, { size }) => sum + size, 0), files: found.length };
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly dev?: true; readonly devOptional?: true; readonly peer?: true }>
  >;
}

/** The folders of the packages that come with ours, as the lock file has them. */
export function needed(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  return Object.entries(packages)
    .filter(([path, { dev, devOptional, peer }]) => path !== '' && !(dev ?? devOptional ?? peer))
    .map(([path]) => join(root, path));
}

/**
 * The paths, from the root, of the pictures that a page shows, and of the pages of docs that it
 * links to.
 */
export function pictures(text: string, page: string): string[] {
  const shown = [...text.matchAll(/!\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, path]) => path);
  const linked = [...text.matchAll(/\]\(([^)\s#]*docs\/[^)\s#]+\.md)/g)].map(([, path]) => path);
  return [...shown, ...linked]
    .filter((path) => !/^[a-z]+:/.test(path))
    .map((path) => normalize(join(page, '..', path)));
}
