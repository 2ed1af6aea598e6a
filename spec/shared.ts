/**
 * Golden data that is too large for the repository. Specs that need it skip themselves where it is
 * not there, so that a clone passes its tests on its own.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(process.env.BLOCKPRUNER_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url)));

/** Whether the golden data are on this machine. */
export const hasShared: boolean = existsSync(resolve(root, 'golden', 'README.md'));

/** A path inside the golden data's folder. */
export function sharedPath(...parts: string[]): string {
  return resolve(root, ...parts);
}
