/**
 * `npm run bench:kernels`: every kernel in GFLOP/s or GB/s, beside the peaks of the same rounds.
 *
 * tinybench times; rounds are ours: in each, all tasks have their turn, the peaks among them, and a figure is the median of
 * the rounds' medians. A warning of tinybench that the clock is too coarse for a task fails the run.
 */
import { Bench } from 'tinybench';
import type { Backend } from '../src/backends/backend.ts';
import { offeredVariants } from '../src/backends/select.ts';
import { referenceBackend } from '../src/backends/reference/referenceBackend.ts';
import { compileKernels, type KernelVariant, type Lanes } from '../src/backends/simd/kernels.ts';
import { measureLanes } from '../src/backends/simd/lanes.ts';
import { simdBackend } from '../src/backends/simd/simdBackend.ts';
import { nodeSpawnWorker } from '../src/platform/nodeThreads.ts';
import { nodeWidenVectors } from '../src/platform/nodeVectors.ts';
import { fullSizes, kernelCases, quickSizes, smallSizes, type KernelCase } from './kernelCases.ts';
import { ladderCases, ladderShape } from './ladder.ts';
import { benchOptions } from './options.ts';
import { peakTasks, type PeakName } from './peaks.ts';
import type { Peak, Row } from './document.ts';
import { record } from './results.ts';
import { clock, figures, median, settle, untimed, type Timed } from './rounds.ts';

interface KernelTask extends Timed {
  kernel: KernelCase;
  engine: string;
  threads: number;
  arithmeticPeak: PeakName;
  close: () => void;
}

const options = benchOptions();
const { quick } = options;
const rounds = quick ? 2 : 9;
/** Milliseconds a task has in a round. */
const turn = quick ? 2 : 80;
/** Milliseconds that a task of several threads runs before its turn: a processor that slept takes its time to full speed. */
const leadIn = quick ? 1 : 250;
const warm = quick ? [5, 50] : [100, 1_500];

await record('kernels', options, async () => {
  const reference = referenceBackend();
  const backends: Backend[] = [reference];
  const tasks: KernelTask[] = [];
  const lanesHere = offeredLanes();
  for (const variant of offeredVariants()) {
    const rungs = ladderCases(variant, quick ? [12, 64, 96] : ladderShape);
    tasks.push(...tasksOf(reference, rungs, { variant, lanes: 4, threads: 1 }));
    for (const lanes of lanesHere) {
      for (const threads of [1, 2]) {
        const memoryBytes = 96 * 2 ** 20;
        const backend = await simdBackend({ memoryBytes, threads, spawn: nodeSpawnWorker, variant, lanes });
        backends.push(backend);
        tasks.push(...tasksOf(backend, kernelCases(quick ? quickSizes : fullSizes), { variant, lanes, threads }));
      }
    }
  }
  tasks.push(...tasksOf(reference, kernelCases(quick ? quickSizes : smallSizes), null));
  const peaks = peakTasks(quick, lanesHere.includes(8) ? 8 : 4).map((peak) => ({ ...peak, ...untimed() }));

  const all = [...peaks, ...tasks];
  for (const { run } of all) await settle(run, warm[0], warm[1]);
  for (let round = 0; round < rounds; round++) takeRound(round % 2 === 0 ? all : all.toReversed());
  for (const task of tasks) task.close();
  for (const backend of backends) await backend.dispose();

  const rate = (amount: number) => (milliseconds: number) => amount / (milliseconds / 1000);
  const found = new Map(peaks.map((peak) => [peak.name, rate(peak.amount)(median(peak.milliseconds))]));
  return {
    peaks: peaks.map(({ name, what, unit }): Peak => ({ name, what, unit, value: found.get(name) ?? NaN })),
    rows: byCase(tasks).map((task): Row => {
      const { kernel, engine, threads } = task;
      const measured = figures(task, threads, rate(kernel.amount));
      const peak = found.get(kernel.bound === 'arithmetic' ? task.arithmeticPeak : kernel.bound);
      const share = peak === undefined || engine === 'reference' ? null : measured.value / (peak * threads);
      return { name: kernel.name, engine, threads, unit: kernel.unit, ...measured, share };
    }),
  };
});

/** Four, and eight where the engine joins vectors: from here on in all of this process. */
function offeredLanes(): Lanes[] {
  if (!nodeWidenVectors()) return [4];
  const module = compileKernels(offeredVariants()[0]);
  return module !== null && measureLanes(module) === 8 ? [4, 8] : [4];
}

/** @param simd what of the SIMD backend runs; null where the reference does. */
function tasksOf(
  backend: Backend,
  cases: readonly KernelCase[],
  simd: { variant: KernelVariant; lanes: Lanes; threads: number } | null,
): KernelTask[] {
  const { variant, lanes, threads } = simd ?? { variant: 'plain', lanes: 4, threads: 1 };
  const engine = simd === null ? 'reference' : `simd ${variant}${lanes === 8 ? ', 8 lanes' : ''}`;
  const arithmeticPeak: PeakName = `${variant === 'plain' ? 'mulAdd' : 'fma'}${lanes === 8 ? '8' : ''}`;
  return cases.map((kernel) => ({ kernel, engine, threads, arithmeticPeak, ...untimed(), ...kernel.prepare(backend) }));
}

/** One turn for each task. */
function takeRound(tasks: readonly (Timed & { threads?: number })[]): void {
  const bench = new Bench({ time: turn, iterations: 3, warmup: false, throws: true });
  let saturated: string | null = null;
  bench.addEventListener('warning', ({ task, reason }) => (saturated ??= `${task?.name}: ${String(reason)}`));
  for (const [index, task] of tasks.entries()) {
    let stop = (): void => {};
    const beforeAll = (): void => {
      const began = performance.now();
      if ((task.threads ?? 1) > 1) while (performance.now() - began < leadIn) task.run();
      stop = clock(task);
    };
    bench.add(nameOf(task, index), task.run, { async: false, beforeAll, afterAll: () => stop() });
  }
  bench.runSync();
  if (saturated !== null) throw new Error(`the clock is too coarse for ${String(saturated)}.`);
  for (const [index, task] of tasks.entries()) {
    const result = bench.getTask(nameOf(task, index))?.result;
    if (result?.state !== 'completed') throw new Error(`${nameOf(task, index)} was not timed.`);
    task.milliseconds.push(result.latency.p50);
    task.calls += result.latency.samplesCount;
  }
}

function nameOf(task: Timed & { kernel?: KernelCase }, index: number): string {
  return `${index} ${task.kernel?.name ?? 'peak'}`;
}

/** All engines of a case one below the other. */
function byCase(tasks: readonly KernelTask[]): KernelTask[] {
  const names = [...new Set(tasks.map(({ kernel }) => kernel.name))];
  return names.flatMap((name) => tasks.filter(({ kernel }) => kernel.name === name));
}
