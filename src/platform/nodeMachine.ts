/** What the machine offers, and the defaults that follow from it. */
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { Surroundings } from './surroundings.ts';

/** WebAssembly's 32-bit addresses end here. */
export const MAX_MEMORY: number = 2 ** 32;

/** Half of the machine's memory, at most 4 GiB. */
export function defaultMemory(): number {
  return Math.min(MAX_MEMORY, Math.floor(totalmem() / 2));
}

/** More threads than this no machine has use for. */
export const MAX_THREADS = 256;

export function defaultThreads(): number {
  return Math.min(MAX_THREADS, availableParallelism());
}

/** This machine and this Node. */
export function thisMachine(): Surroundings {
  return {
    machine: {
      processor: cpus()[0]?.model.trim() ?? null,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      system: `${type()} ${release()} ${process.arch}`,
    },
    runtime: `Node ${process.versions.node}`,
  };
}
