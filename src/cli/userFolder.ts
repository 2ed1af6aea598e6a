/** Where the user stands when npm runs this program from elsewhere. */
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The folder from which `npm run cli` was typed: npm runs a script in the package's root, and says
 * in INIT_CWD where its user stands. Null for every other way to be called: paths of a script in
 * package.json, such as that of `npm start`, count from the root, and `npx` and `npm exec` run
 * where the user stands.
 * @param root of this package.
 */
export function userFolder(env: NodeJS.ProcessEnv, root: string): string | null {
  const { INIT_CWD: folder = '', npm_lifecycle_event: script, npm_package_json: manifest = '' } = env;
  if (script !== 'cli' || folder === '' || !isSame(dirname(manifest), root)) return null;
  return folder;
}

/**
 * What is typed to call this program again: as a script of its own package in a checkout, by `npx`
 * elsewhere.
 * @param root of this package.
 */
export function programWords(env: NodeJS.ProcessEnv, root: string): string {
  const { npm_lifecycle_event: script = '', npm_package_json: manifest = '' } = env;
  const inCheckout = ['cli', 'start'].includes(script) && isSame(dirname(manifest), root);
  return inCheckout ? 'npm run -s cli --' : 'npx blockpruner';
}

function isSame(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}
