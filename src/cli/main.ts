#!/usr/bin/env node
/**
 * Entry of the command line. Exit codes: 0 done, 1 failed with one clear line (--debug for the stack), 2 wrong usage,
 * 130 interrupted, the journal being intact.
 */
import { CommanderError } from 'commander';
import pc from 'picocolors';
import { BlockprunerError, UsageError } from '../errors.ts';
import { program } from './program.ts';

process.on('SIGINT', () => {
  // Every finished group is on disk already; the terminal's cursor may be hidden by the progress bar.
  if (process.stderr.isTTY) process.stderr.write('\u001B[?25h');
  process.stderr.write('\ninterrupted; the same command resumes.\n');
  process.exit(130);
});
// A reader of our output that goes away (`| head`) ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const debug = process.argv.includes('--debug');
try {
  await program().parseAsync(process.argv.filter((word) => word !== '--debug'));
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong in one line and returns the exit code. */
function report(error: unknown): number {
  // Commander has printed its own line; asking for help or the version is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${pc.red('error:')} ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  if (!(error instanceof BlockprunerError) && !debug) {
    process.stderr.write('This looks like a bug in blockpruner; --debug shows where it happened.\n');
  }
  return error instanceof UsageError ? 2 : 1;
}
