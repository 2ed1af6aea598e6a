import type { Command } from 'commander';

/** What a command line does, and the words after `blockpruner`. */
export type Example = readonly [what: string, words: string];

/** Ends the help of a command with command lines that run as they stand. */
export function addExamples(command: Command, examples: readonly Example[]): Command {
  const lines = examples.map(([what, words]) => `  ${what}:\n    blockpruner ${words}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
