/**
 * Computes without a pause, and lets Ctrl-C end the process at once meanwhile: handlers of our own are only called
 * between turns of the event loop, so that one that is set would hold the signal back until `compute` is done.
 */
export function interruptible<T>(compute: () => T): T {
  const handlers = process.rawListeners('SIGINT');
  // Without a handler the system ends the process, as it does any other.
  process.removeAllListeners('SIGINT');
  try {
    return compute();
  } finally {
    for (const handler of handlers) process.on('SIGINT', handler as NodeJS.SignalsListener);
  }
}
