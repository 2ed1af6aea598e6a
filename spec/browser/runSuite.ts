/** Runs a suite of vitest's tests where there is no vitest: in a page or in a worker of it. */
import type { RunnerTask, RunnerTestCase } from 'vitest';
import { startTests } from 'vitest/internal/browser';
import type { SerializedConfig, VitestRunner } from 'vitest/runtime';

/** What the page tells the program that opened it. */
export type Report =
  | { type: 'begin'; suite: string; isolated: boolean; browser: string }
  | { type: 'test'; name: string; state: string; milliseconds: number; errors: string[] }
  /** Errors outside of tests: of hooks, of the suite's file, of the page. */
  | { type: 'end'; errors: string[] };

/** The part of vitest's settings that its runner reads. */
const config = {
  root: '/',
  setupFiles: [],
  sequence: { hooks: 'stack', setupFiles: 'list', concurrent: false, shuffle: false, seed: 0 },
  testTimeout: 120_000,
  hookTimeout: 120_000,
  maxConcurrency: 1,
  retry: 0,
  repeats: 0,
  allowOnly: true,
  passWithNoTests: false,
  includeTaskLocation: false,
  strictTags: false,
  tags: [],
} as unknown as SerializedConfig;

/** @param load imports the file that declares the tests. */
export async function runSuite(
  suite: string,
  load: () => Promise<unknown>,
  report: (message: Report) => void,
): Promise<void> {
  report({ type: 'begin', suite, isolated: crossOriginIsolated, browser: navigator.userAgent });
  // Where vitest looks for its surroundings.
  Object.assign(globalThis, { __vitest_worker__: { config, ctx: {}, providedContext: {}, filepath: suite } });
  const ran = new Set<string>();
  const tell = (test: RunnerTestCase): void => {
    ran.add(test.id);
    report(outcome(test));
  };
  const runner: VitestRunner = { config, importFile: load, onAfterRunTask: tell };
  try {
    const files = await startTests([`/${suite}`], runner);
    for (const test of files.flatMap(testsOf)) if (!ran.has(test.id)) tell(test);
    report({ type: 'end', errors: files.flatMap(errorsBesideTests) });
  } catch (error) {
    report({ type: 'end', errors: [textOf(error)] });
  }
}

function outcome(test: RunnerTestCase): Report {
  const { state = 'skip', duration = 0, errors = [] } = test.result ?? {};
  return { type: 'test', name: pathOf(test), state, milliseconds: duration, errors: errors.map(textOf) };
}

function pathOf(task: RunnerTask): string {
  const { suite } = task;
  return suite === undefined ? task.name : `${pathOf(suite)} › ${task.name}`;
}

function testsOf(task: RunnerTask): RunnerTestCase[] {
  return task.type === 'test' ? [task] : task.tasks.flatMap(testsOf);
}

/** Of the file and its describe blocks. */
function errorsBesideTests(task: RunnerTask): string[] {
  if (task.type === 'test') return [];
  return [...(task.result?.errors ?? []).map(textOf), ...task.tasks.flatMap(errorsBesideTests)];
}

/** With its cause: fast-check's counterexample says where, the cause what. */
function textOf(error: unknown): string {
  const { message, stack, diff, cause } = error as { message?: string; stack?: string; diff?: string; cause?: unknown };
  const why = cause === undefined ? undefined : `because: ${textOf(cause)}`;
  return [message ?? String(error), diff, why, stack].filter((part) => part !== undefined).join('\n');
}
