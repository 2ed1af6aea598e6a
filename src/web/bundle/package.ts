/**
 * Makes dist, which is what the package carries: src without its types, dist/browser, and the
 * declarations that users can reach.
 *
 *   npm run build
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, webEntries } from './build.ts';
import { nodeWorkerCode } from './nodeWorker.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Builds the package's dist in a folder, which is emptied first.
 * @throws Error where TypeScript or the bundler complains.
 */
export async function buildPackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'src'), '--outDir', folder], { stdio: 'inherit' });
  const code = JSON.stringify(await nodeWorkerCode());
  writeFileSync(join(folder, 'platform/kernelWorkerEntry.js'), `export const kernelWorkerEntry = { code: ${code} };\n`);
  dropUnreachable(folder);
  await bundle(webEntries, join(folder, 'browser'));
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
}

/**
 * Removes what no entry of package.json leads to: programs that only the browser's bundle needs,
 * files that were types alone, and declarations of what is not public.
 */
function dropUnreachable(folder: string): void {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const entries = [...Object.values(exports).flatMap((entry) => Object.values(entry)), ...Object.values(bin)]
    .filter((file) => file.startsWith('./dist/') && !file.startsWith('./dist/browser/'))
    .map((file) => join(folder, file.slice('./dist/'.length)));
  const reached = new Set(entries);
  // A set goes on to what is added while it is walked.
  for (const file of reached) for (const next of namedBy(file)) reached.add(next);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/\.[jt]s$/.test(name) && !reached.has(join(folder, name))) rmSync(join(folder, name));
  }
}

/**
 * The files whose relative paths stand in a file: imports, and programs that are started. Paths in
 * a help text lead nowhere.
 */
function namedBy(file: string): string[] {
  const declares = file.endsWith('.d.ts');
  // Declarations keep the names of the sources.
  const paths = readFileSync(file, 'utf8').matchAll(/['"`](\.\.?\/[^'"`\s]+)\.[jt]s['"`]/g);
  return [...paths]
    .map(([, path]) => join(dirname(file), `${path}${declares ? '.d.ts' : '.js'}`))
    .filter((path) => existsSync(path));
}

if (import.meta.main) await buildPackage(join(root, 'dist'));
