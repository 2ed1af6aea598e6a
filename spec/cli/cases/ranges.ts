/**
 * Every option of every command that takes a number, with values outside its range: made from the
 * options themselves.
 */
import type { Option } from 'commander';
import type { NumberReader, Range } from '../../../src/cli/options.ts';
import { program } from '../../../src/cli/program.ts';
import type { WrongInput } from '../wrongInput.ts';

export interface CommandOption {
  command: string;
  option: Option;
}

export const commandOptions: readonly CommandOption[] = program().commands.flatMap((command) =>
  command.options.map((option) => ({ command: command.name(), option })),
);

export function rangeOf(option: Option): Range | null {
  return (option.parseArg as Partial<NumberReader> | undefined)?.range ?? null;
}

/** Values just outside a range, and words that are no number of any kind. */
function outside({ whole, min, max, above = false, below = false }: Range): string[] {
  const words = ['', 'many', 'NaN', 'Infinity', '-Infinity', '1e999', '0x10', '1_000', '1 2', '\u0661', '\u001B[31m1'];
  const edges = whole ? [min - 1, max + 1, min + 0.5, 1e300, -1] : [min - 1e-9, max * 1.001, -1e300];
  if (above) edges.push(min);
  if (below) edges.push(max);
  return [...words, ...edges.map(String)];
}

export const rangeCases: readonly WrongInput[] = commandOptions.flatMap(({ command, option }) => {
  const range = rangeOf(option);
  if (range === null) return [];
  return outside(range).map((value): WrongInput => ({
    what: `${command} ${option.long} ${JSON.stringify(value)}`,
    args: [command, 'model', `${option.long}=${value}`],
    code: 2,
    line: new RegExp(`option '${option.flags}' argument '.*' is invalid\\. Give a (?:whole )?number`),
  }));
});
