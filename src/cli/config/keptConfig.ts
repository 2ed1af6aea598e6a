import type { Command } from 'commander';
import { writeFileWhole } from '../../platform/nodeFolder.ts';
import { join } from 'node:path';
import { oneMore } from '../evalOptions.ts';
import { isFlag } from './configWords.ts';
import { modelSeenFrom, seenFrom } from './paths.ts';

/** The name of the file beside a result that holds all options of its run. */
export const KEPT_CONFIG = 'run.json';

/** What says how a call shows its result or what it may replace, and not what is computed. */
const ofTheCall: ReadonlySet<string> = new Set(['config', 'fresh', 'force', 'json', 'csv', 'quiet', 'plan']);

/** Writes run.json into `folder`: `--config run.json` there runs the same again. */
export async function keepConfig(command: Command, out: string, folder: string = out): Promise<void> {
  const values = resolvedConfig(command, out, folder);
  await writeFileWhole(join(folder, KEPT_CONFIG), `${JSON.stringify(values, null, 2)}\n`);
}

/**
 * All options of a command that was parsed, defaults included, as a config that lies in `folder`.
 * @param out where the result goes, whether --out was given or not.
 */
export function resolvedConfig(command: Command, out: string, folder: string): Record<string, unknown> {
  const [argument] = command.args;
  const given = command.opts<Record<string, unknown>>();
  const values: Record<string, unknown> = {
    command: command.name(),
    [command.registeredArguments[0].name()]: modelSeenFrom(argument, folder, given.hub === true),
  };
  for (const option of command.options) {
    const name = option.name();
    const value = name === 'out' ? out : given[option.attributeName()];
    // A text that a tiny: model brings along comes along again.
    const isImplied = command.getOptionValueSource(option.attributeName()) === 'implied';
    if (value === undefined || value === false || isImplied || ofTheCall.has(name)) continue;
    if (isFlag(option)) values[name] = true;
    else if (option.parseArg === oneMore)
      values[name] = (value as string[]).map((path) => seenFrom(name, path, folder));
    else values[name] = valueSeenFrom(name, value, folder);
  }
  return values;
}

function valueSeenFrom(name: string, value: unknown, folder: string): unknown {
  if (typeof value === 'string') return seenFrom(name, value, folder);
  return Array.isArray(value) ? value.join(',') : value;
}
