/** What Ctrl-C says, and what it puts right on the terminal. */

const PLAIN = 'interrupted.';
let words = PLAIN;

/**
 * Notes that from now on the work can be taken up again.
 * @param fresh whether this run was told to start over; the command that resumes must not be.
 * @param from such as
 *   `after step 50`.
 */
export function resumesOnInterruption(fresh: boolean, from: string = ''): void {
  words = `interrupted; the same command${fresh ? ' without --fresh' : ''} resumes${from === '' ? '' : ` ${from}`}.`;
}

/** Notes that an interruption now would lose what was computed, in the words for it. */
export function losesOnInterruption(text: string = PLAIN): void {
  words = text;
}

/** Shows the cursor and wraps lines again: a progress bar switches both off. */
export function restoreTerminal(): void {
  if (process.stderr.isTTY) process.stderr.write('\u001B[?25h\u001B[?7h');
}

/** Ends the process at once: all that is worth keeping is on disk already. */
export function interrupted(exitCode: number): never {
  restoreTerminal();
  process.stderr.write(`\n${words}\n`);
  process.exit(exitCode);
}
