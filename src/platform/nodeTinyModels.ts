/** Where the models that come along lie: all of tiny-models in a checkout, some in a package. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder lies where src lies, and dist. */
const home = fileURLToPath(new URL('../../tiny-models/', import.meta.url));

/** The folder of each model, by its name. */
export function tinyModelFolders(): Map<string, string> {
  const names = readdirSync(home).filter((entry) => existsSync(join(home, entry, 'config.json')));
  return new Map(names.map((name) => [name, join(home, name)]));
}

/** The path of a text that comes along with them. */
export function tinyText(file: string): string {
  return join(home, 'data', file);
}
