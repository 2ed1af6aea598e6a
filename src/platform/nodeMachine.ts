/** What the machine offers, and the defaults that follow from it. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

/** WebAssembly's 32-bit addresses end here. */
export const MAX_MEMORY: number = 2 ** 32;

/** Half of the machine's memory, at most 4 GiB. */
export function defaultMemory(): number {
  return Math.min(MAX_MEMORY, Math.floor(totalmem() / 2));
}

/** More threads than this no machine has use for. */
export const MAX_THREADS = 256;

export function defaultThreads(): number {
  return Math.min(MAX_THREADS, availableParallelism());
}

/** The program's version, from its package.json. */
export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}
