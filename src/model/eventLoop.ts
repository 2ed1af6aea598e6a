/**
 * Turns of the event loop. Computing only ever awaits what is there already, so that without them
 * signals, messages and output would wait until everything is computed.
 */

/** Computing goes on for so long, in ms, before the event loop gets a turn. */
const LONGEST_STRETCH = 100;

let lastTurn = performance.now();

/** Gives the event loop a turn. */
export async function turn(): Promise<void> {
  await (typeof setImmediate === 'function' ? immediate() : message());
  lastTurn = performance.now();
}

/**
 * The same where the last turn was a while ago: cheap enough to be awaited between any two blocks.
 */
export async function turnWhenDue(): Promise<void> {
  if (performance.now() - lastTurn > LONGEST_STRETCH) await turn();
}

/** Runs work that stops at every `yield`, with turns where they are due. */
export async function runInTurns<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    await turnWhenDue();
  }
}

/** Runs the same work in one go. */
export function runThrough<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** Node's way. */
function immediate(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A browser's way: its timers wait for milliseconds. */
function message(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    // A port takes no target origin; a window does.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    port2.postMessage(null);
  });
}
