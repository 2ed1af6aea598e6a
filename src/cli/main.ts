#!/usr/bin/env node
/**
 * Entry of the command line. Exit codes: 0 done, 1 failed with one clear line (--debug for the stack), 2 wrong usage,
 * 130 interrupted, the journal being intact.
 */
import { commandLine } from './commandLine.ts';

process.on('SIGINT', () => {
  // Every finished group is on disk already; the terminal's cursor may be hidden by the progress bar.
  if (process.stderr.isTTY) process.stderr.write('\u001B[?25h');
  process.stderr.write('\ninterrupted; the same command resumes.\n');
  process.exit(130);
});
// A reader of our output that goes away (`| head`) ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await commandLine(process.argv.slice(2));
