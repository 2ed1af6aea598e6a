/** What the machine offers, and the defaults that follow from it. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { UsageError } from '../errors.ts';

/** WebAssembly's 32-bit addresses end here. */
const MAX_MEMORY = 2 ** 32;

/** Half of the machine's memory, at most 4 GiB. */
export function defaultMemory(): number {
  return Math.min(MAX_MEMORY, Math.floor(totalmem() / 2));
}

export function defaultThreads(): number {
  return availableParallelism();
}

/** The program's version, from its package.json. */
export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}

/**
 * The Node that runs this must be new enough. In a checkout `npm ci` brings one; where its install script was not
 * allowed to run, npm scripts silently use the system's.
 * @throws UsageError with the way out.
 */
export function checkNode(version: string = process.versions.node): void {
  const [major, minor] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return;
  throw new UsageError(`Node ${version} is too old: 22.18 or newer is needed.`, {
    remedy:
      "In a checkout, let npm run the 'node' package's install script (npm approve-scripts node, then npm rebuild node).",
  });
}
