#!/usr/bin/env node
/**
 * Entry of the command line. Exit codes: 0 done, 1 failed with one clear line (--debug for the
 * stack), 2 wrong usage, 130 interrupted.
 */
import { commandLine } from './commandLine.ts';
import { fileURLToPath } from 'node:url';
import { userFolder } from './userFolder.ts';
import { restoreTerminal, signalled } from './interruption.ts';

process.on('SIGINT', () => signalled(130));
process.on('SIGTERM', () => signalled(143));
process.on('SIGHUP', () => signalled(129));
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  restoreTerminal();
  process.stderr.write(`error: stdout: ${outputErrors[error.code ?? ''] ?? `cannot be written (${error.code}).`}\n`);
  process.exit(1);
});
// Notes that nobody can read are no reason to stop computing.
process.stderr.on('error', () => undefined);

const outputErrors: Readonly<Record<string, string>> = {
  EPIPE: 'the reader closed it before everything was written.',
  ENOSPC: 'the disk is full, part of the output is lost.',
};

const folder = userFolder(process.env, fileURLToPath(new URL('../..', import.meta.url)));
if (folder !== null) process.chdir(folder);
process.exitCode = await commandLine(process.argv.slice(2));
