import type { Command } from 'commander';
import { oneMore } from './evalOptions.ts';

/**
 * Refuses an option that is given twice, in this command and those below it: commander would take
 * the last one without a word, and a user who gives two means both.
 */
export function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    // Each value of these counts.
    if (option.parseArg === oneMore) continue;
    let given = 0;
    command.on(`option:${option.name()}`, () => {
      given++;
      if (given > 1) command.error(`error: option '${option.flags}' is given twice. Give it once.`);
    });
  }
  for (const below of command.commands) refuseRepeats(below);
}
