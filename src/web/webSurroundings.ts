import type { Surroundings } from '../platform/surroundings.ts';

/** What a browser tells of the machine and of itself. */
export function webSurroundings(): Surroundings {
  // In GiB, and only in some browsers.
  const { deviceMemory } = navigator as Navigator & { deviceMemory?: number };
  return {
    machine: {
      processor: null,
      cores: navigator.hardwareConcurrency,
      memoryBytes: deviceMemory === undefined ? null : deviceMemory * 2 ** 30,
      system: navigator.platform,
    },
    runtime: navigator.userAgent,
  };
}
