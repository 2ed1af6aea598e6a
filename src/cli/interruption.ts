/** What Ctrl-C says, and what it puts right on the terminal. */

const PLAIN = 'interrupted.';
/** What is under way has so long, in ms, to be brought to where it loses nothing. */
const GRACE = 2000;

let words = PLAIN;
/** Whether what is under way ends by itself, once it is asked to. */
let waits = false;
/** When all that was computed was kept last, in ms of `performance.now`; null where nothing is. */
let kept: number | null = null;
/** The exit code of the first signal. */
let asked: number | null = null;

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

/**
 * Notes that the work, asked to end, ends by itself as soon as all that it has computed is kept:
 * then it calls `keptAll`.
 */
export function endsWhenKept(): void {
  waits = true;
  kept = performance.now();
}

/** Notes that the work came to its end: an interruption ends the process at once again. */
export function endsAtOnce(): void {
  waits = false;
  kept = null;
}

/** Whether the process was asked to end. */
export function isAskedToEnd(): boolean {
  return asked !== null;
}

/** All that was computed is kept now. Where the process was asked to end it does so. */
export function keptAll(): void {
  kept = performance.now();
  if (asked !== null) interrupted(asked);
}

/** The first signal asks the work to end; a second one, or two more seconds, end the process. */
export function signalled(exitCode: number): void {
  if (asked !== null || !waits) interrupted(exitCode);
  asked = exitCode;
  setTimeout(() => interrupted(exitCode), GRACE);
}

/** Shows the cursor and wraps lines again: a progress bar may have switched both off. */
export function restoreTerminal(): void {
  if (process.stderr.isTTY) process.stderr.write('\u001B[?25h\u001B[?7h');
}

/** Ends the process at once, and says what is so. */
export function interrupted(exitCode: number): never {
  restoreTerminal();
  process.stderr.write(`\n${words}${lost()}\n`);
  process.exit(exitCode);
}

/** ` The last 4 s of computing are lost.` */
function lost(): string {
  const seconds = kept === null ? 0 : Math.round((performance.now() - kept) / 1000);
  return seconds < 1 ? '' : ` The last ${seconds} s of computing are lost.`;
}
