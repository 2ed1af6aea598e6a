/** Timing what only queues its work: many calls, then one wait for all of them. */
import { figures, interleave, settle, timed, untimed, type Figures, type Timed } from './rounds.ts';

/** Something to be called many times, and how to wait for all that was called. */
export interface Queued {
  run: () => unknown;
  finish: () => Promise<unknown>;
  threads: number;
  /** Wait after every call. */
  waits?: boolean;
}

export interface Pace {
  /** Milliseconds a batch should take. */
  turn: number;
  rounds: number;
  /** Milliseconds at least and at most to call before anything is timed: compilers and clocks speed up meanwhile. */
  warm: readonly [number, number];
}

/** Calls of one batch at most. */
const MOST_CALLS = 2_000;

/** Warms each up, finds how many calls fill a turn, then gives them turns in rounds. Figures are milliseconds of a call. */
export async function timeQueued(queued: readonly Queued[], { turn, rounds, warm }: Pace): Promise<Figures[]> {
  const tasks: (Timed & { batch: number; threads: number })[] = [];
  for (const { run, finish, threads, waits = false } of queued) {
    const batchOf = (calls: number) => async (): Promise<void> => {
      for (let call = 0; call < calls; call++) {
        run();
        if (waits) await finish();
      }
      if (!waits) await finish();
    };
    await settle(batchOf(1), ...warm);
    let calls = 1;
    for (;;) {
      const took = await timed(batchOf(calls));
      if (took >= turn / 2 || calls === MOST_CALLS) break;
      calls = Math.min(MOST_CALLS, Math.ceil(calls * Math.min(8, turn / took)));
    }
    tasks.push({ ...untimed(), run: batchOf(calls), batch: calls, threads });
  }
  await interleave(tasks, rounds);
  return tasks.map((task) => figures(task, task.threads, (milliseconds) => milliseconds / task.batch));
}
