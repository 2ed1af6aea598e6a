/**
 * Entry of the page that runs a suite (?suite=NAME), in a worker or, where pages are what is
 * tested, in itself.
 */
import { runSuite, type Report } from './runSuite.ts';

let sent = Promise.resolve();

/** Tells the program that opened the page, in order. */
function report(message: Report): void {
  sent = sent.then(async () => void (await fetch('/report', { method: 'POST', body: JSON.stringify(message) })));
}

const fail = (reason: string): void => report({ type: 'end', errors: [reason] });
addEventListener('error', ({ message }) => fail(message));
addEventListener('unhandledrejection', ({ reason }) => fail(String(reason)));

const suite = new URLSearchParams(location.search).get('suite') ?? '';
if (suite === 'engine') await runSuite(suite, () => import('./suites/engine.ts'), report);
else {
  const entry = new URL(/* beside this file in the bundle */ './suiteWorker.js', import.meta.url);
  const worker = new Worker(entry, { type: 'module', name: suite });
  worker.addEventListener('message', ({ data }: MessageEvent<Report>) => report(data));
  worker.addEventListener('error', ({ message }) => fail(`the suite's worker: ${message ?? 'could not be loaded'}`));
}
