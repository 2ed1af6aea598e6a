/**
 * Timing on a machine that others use too. Tasks take turns, round by round, so that a slow minute hits all alike, and
 * what counts is the median over rounds.
 */
import { setImmediate } from 'node:timers/promises';

/** What a task took. */
export interface Timings {
  /** Each round's median of a call. */
  milliseconds: number[];
  /** Calls in all turns, the CPU time of the process meanwhile, and the time of these turns, in milliseconds. */
  calls: number;
  cpu: number;
  wall: number;
}

export interface Timed extends Timings {
  run: () => unknown;
}

/** The figures of a row. */
export interface Figures {
  /** Median over rounds. */
  value: number;
  /** Interquartile range of the rounds over their median; null for a count, or one round. */
  spread: number | null;
  rounds: number;
  /**
   * The same by CPU time instead of the clock, for one thread, else null: about what `value` would be if nobody else
   * had been at work.
   */
  byCpu: number | null;
  /** CPU time over time: far below `threads` where others had the processors, or where threads wait; null if not taken. */
  cpus: number | null;
}

export function untimed(): Timings {
  return { milliseconds: [], calls: 0, cpu: 0, wall: 0 };
}

/** @param of the figure for a call of so many milliseconds. */
export function figures(
  { milliseconds, calls, cpu, wall }: Timings,
  threads: number,
  of: (ms: number) => number,
): Figures {
  return {
    value: of(median(milliseconds)),
    spread: milliseconds.length < 2 ? null : spread(milliseconds),
    rounds: milliseconds.length,
    byCpu: threads === 1 ? of(cpu / calls) : null,
    cpus: cpu / wall,
  };
}

/** Notes CPU time and time from here until the returned function is called. */
export function clock(task: Timings): () => void {
  const [began, before] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(before);
    task.cpu += (user + system) / 1000;
    task.wall += performance.now() - began;
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Interquartile range as a share of the median: how much the rounds disagree. */
function spread(values: readonly number[]): number {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Calls `run` until its times settle: until eight calls in a row are, by their median, no more than 3 % faster than the
 * eight before, and `least` milliseconds have gone; or `most` have. WebAssembly and JavaScript both begin in a
 * compiler's quick tier and reach the other after some number of calls, not at once.
 */
export async function settle(run: () => unknown, least: number, most: number): Promise<void> {
  const began = performance.now();
  let before = Infinity;
  for (;;) {
    const times: number[] = [];
    for (let call = 0; call < 8; call++) {
      times.push(await timed(run));
      if (performance.now() - began > most) return;
    }
    const now = median(times);
    if (now > 0.97 * before && performance.now() - began > least) return;
    before = now;
    // The better code is compiled on other threads and put in place between tasks.
    await setImmediate();
  }
}

/** Milliseconds of one call. */
export async function timed(run: () => unknown): Promise<number> {
  const began = performance.now();
  const result = run();
  if (result instanceof Promise) await result;
  return performance.now() - began;
}

/** Runs all tasks once a round, in turns; every other round backwards, so that none always follows the same one. */
export async function interleave(tasks: readonly Timed[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const task of round % 2 === 0 ? tasks : tasks.toReversed()) {
      const stop = clock(task);
      task.milliseconds.push(await timed(task.run));
      stop();
      task.calls++;
    }
  }
}
