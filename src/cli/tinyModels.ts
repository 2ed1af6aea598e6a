/**
 * The models that come along, as `tiny:planted`: all of tiny-models in a checkout, and those of
 * them that an installed package carries.
 */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { tinyModelFolder, tinyName } from '../formats/tinyModel.ts';
import { tinyText } from '../platform/nodeTinyModels.ts';
import { Terminal } from './terminal.ts';

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
  return tinyModelFolder(text) ?? text;
}

/** The text of a model that comes along; null for any other model. */
export function tinyData(model: string): string | null {
  const file = texts[tinyName(model) ?? ''];
  return file === undefined ? null : tinyText(file);
}

/** Lets a command do without --data where the model that comes along has a text that does, too. */
export function measuresTinyModels(command: Command): Command {
  const data = command.options.find(({ long }) => long === '--data');
  if (data === undefined) throw new Error('the command has no --data');
  data.makeOptionMandatory(false);
  data.description += '; tiny: models bring their own';
  return command.hook('preAction', (_, { args: [model] }) => {
    if (command.opts<{ data?: unknown }>().data !== undefined) return;
    const path = tinyData(model);
    if (path === null) command.error(`error: required option '${data.flags}' not specified`);
    command.setOptionValueWithSource('data', data.parseArg?.(path, undefined) ?? path, 'implied');
    new Terminal(command.opts<{ quiet: boolean; json: boolean }>()).note(`data: ${basename(path)}, which comes along`);
  });
}
