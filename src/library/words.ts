/**
 * The engine's messages name options as the command line spells them. Here they become the
 * library's. Flags of other programs, such as npm's, stay as they are.
 */
import { BlockprunerError } from '../errors.ts';
import { generateRules, healRules, loadRules, perplexityRules, pruneRules, repairRules } from './options.ts';

/** The library's names of the command line's options, by their flags. */
const names: ReadonlyMap<string, string> = new Map([
  ...[loadRules, perplexityRules, pruneRules, repairRules, generateRules, healRules]
    .flatMap((rules) => Object.keys(rules))
    .map((name): [string, string] => [name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), name]),
  ['memory', 'memoryBytes'],
  ['out', 'journal'],
  ['field', 'field'],
  ['plus', 'settings.plus'],
  ['sample-from', 'sample.from'],
]);

/** Options that are switches on the command line. */
const switches = new Set(['hub', 'offline', 'fresh', 'chat', 'plan', 'kl']);

/** A flag, with the value that follows where it is one of few: `--bos none`, `--threads 1`. */
const flags =
  /--(?:(bos|backend|kind|metric|search|repair|scope|form|method|convention|nll-sum|gpu-mode|newlines|sample-from) ([\w-]+(?:\.\w+)*)|(threads|lanes) (\d+)|([a-z]+(?:-[a-z]+)*))/g;

/**
 * A message of the engine with the library's names of options: `Use --bos none.` → `Use bos:
 * 'none'.`
 */
export function inLibraryWords(message: string): string {
  return message.replaceAll(flags, (flag: string, ...groups: (string | undefined)[]) => {
    const [choice, word, count, value, plain] = groups;
    const name = names.get(choice ?? count ?? plain ?? '');
    if (name === undefined) return flag;
    if (word !== undefined) return `${name}: '${word}'`;
    if (value !== undefined) return `${name}: ${value}`;
    return switches.has(name) ? `${name}: true` : name;
  });
}

/** The same error, which names options as the library does. */
export function errorInLibraryWords(error: unknown): unknown {
  if (!(error instanceof BlockprunerError)) return error;
  const { message, where, remedy } = error;
  return Object.assign(error, {
    message: inLibraryWords(message),
    where: where === undefined ? undefined : inLibraryWords(where),
    remedy: remedy === undefined ? undefined : inLibraryWords(remedy),
  });
}
