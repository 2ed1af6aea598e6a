/** The document that benches leave behind: one JSON file a machine and day, with a part for each bench. */
import type { Machine } from './machine.ts';
import type { Figures } from './rounds.ts';

export const BENCH_SCHEMA = 'blockpruner.bench/1';

export const benchNames = ['kernels', 'suites', 'endToEnd', 'peers', 'gpu'] as const;
export type BenchName = (typeof benchNames)[number];

export type Unit = 'GFLOP/s' | 'GB/s' | 'tokens/s' | 'runs/s' | 'seconds' | 'ms' | 'µs' | 'block passes';

export interface Row extends Figures {
  /** What was done: `linear 512×576×1536`. */
  name: string;
  /** Who did it: `simd relaxed-fma`, `reference`, `onnxruntime-web 1.30.0`. */
  engine: string;
  /** 0 where they are not ours to choose: gpu.js. */
  threads: number;
  unit: Unit;
  /** Of the peak that bounds it, times the threads; null where none does. */
  share: number | null;
  note?: string;
  /** A point of a curve of time against size. */
  curve?: { op: string; size: number };
}

/** A peak of this machine, taken in the same rounds. */
export interface Peak {
  name: string;
  what: string;
  value: number;
  unit: Unit;
}

export interface BenchRun {
  date: string;
  command: string;
  commit: string | null;
  quick: boolean;
  machine: Machine;
  /** One-minute load average before and after. */
  load: [number, number];
  peaks: Peak[];
  /** What could not be measured here, and why. */
  notes?: string[];
  rows: Row[];
}

export interface BenchDocument {
  schema: typeof BENCH_SCHEMA;
  runs: Partial<Record<BenchName, BenchRun>>;
}
