/**
 * The models that come along, as `tiny:planted`: all of tiny-models in a checkout, and those of
 * them that an installed package carries.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { NotFoundError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { Terminal } from './terminal.ts';

/** The folder lies where src lies, and dist. */
const home = fileURLToPath(new URL('../../tiny-models/', import.meta.url));

/** The text that a model is measured on where no other is given: what its card measures it on. */
const texts: Readonly<Record<string, string>> = {
  planted: 'tiny.txt',
  shakespeare: 'shakespeare-valid.txt',
  verses: 'shakespeare-valid.txt',
};

/**
 * A command's `<model>`: the folder of a model that comes along, anything else as it is.
 * @throws NotFoundError for a name that there is not, with those that there are.
 */
export function modelArgument(text: string): string {
  const name = tinyName(text);
  if (name === null) return text;
  const names = readdirSync(home).filter((entry) => existsSync(join(home, entry, 'config.json')));
  if (names.includes(name)) return join(home, name);
  throw new NotFoundError(`no model called ${quoted(name)} comes with blockpruner.`, {
    where: text,
    remedy: `Those that do: ${names.map((one) => `tiny:${one}`).join(', ')}.`,
  });
}

/** Lets a command do without --data where the model that comes along has a text that does, too. */
export function measuresTinyModels(command: Command): Command {
  const data = command.options.find(({ long }) => long === '--data');
  if (data === undefined) throw new Error('the command has no --data');
  data.makeOptionMandatory(false);
  data.description += '; tiny: models bring their own';
  return command.hook('preAction', (_, { args: [model] }) => {
    if (command.opts<{ data?: unknown }>().data !== undefined) return;
    const file = texts[tinyName(model) ?? ''];
    if (file === undefined) command.error(`error: required option '${data.flags}' not specified`);
    const path = join(home, 'data', file);
    command.setOptionValueWithSource('data', data.parseArg?.(path, undefined) ?? path, 'implied');
    new Terminal(command.opts<{ quiet: boolean; json: boolean }>()).note(`data: ${basename(path)}, which comes along`);
  });
}

/** `planted` of `tiny:planted`; null for another argument. */
function tinyName(text: string): string | null {
  return text.startsWith('tiny:') ? text.slice('tiny:'.length) : null;
}
