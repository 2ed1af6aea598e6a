/** One call of the command line, from its words to an exit code. */
import { CommanderError } from 'commander';
import pc from 'picocolors';
import { BlockprunerError, UsageError } from '../errors.ts';
import { withConfig } from './config/configWords.ts';
import { oneLine } from './oneLine.ts';
import { program } from './program.ts';

/**
 * Runs a command. What goes wrong is one line on stderr, with `--debug` the stack before it.
 * @param words the arguments, without node and the script.
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage.
 */
export async function commandLine(words: readonly string[]): Promise<number> {
  const debug = words.includes('--debug');
  try {
    const given = words.filter((word) => word !== '--debug');
    await program().parseAsync(await withConfig(given, program().commands), { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, debug);
  }
}

/** Says what went wrong in one line and returns the exit code. */
function report(error: unknown, debug: boolean): number {
  // Commander has printed its own line; asking for help or the version is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${pc.red('error:')} ${oneLine(message)}\n`);
  if (!(error instanceof BlockprunerError) && !debug) {
    process.stderr.write('This looks like a bug in blockpruner; --debug shows where it happened.\n');
  }
  return error instanceof UsageError ? 2 : 1;
}
