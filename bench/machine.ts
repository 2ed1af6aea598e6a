/** Where and when a figure was taken: without it the figure means nothing. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface Machine {
  processor: string;
  /** Logical processors that this process may use. */
  threads: number;
  memoryGiB: number;
  system: string;
  node: string;
  v8: string;
}

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    threads: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8,
  };
}

/** Load average over one minute: above the number of threads in use, others were at work. */
export function load(): number {
  return Math.round(loadavg()[0] * 100) / 100;
}

/** Commit of the checkout, with a `+` where files differ from it; null outside a checkout. */
export function commit(): string | null {
  const git = (...args: string[]): string => {
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  };
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
  } catch {
    return null;
  }
}

/** `AMD EPYC 7763 64-Core Processor` with two threads → `epyc-7763-2core`: for the name of a file. */
export function machineSlug({ processor, threads }: Machine): string {
  const words = processor
    .toLowerCase()
    .replaceAll(/\((?:r|tm)\)|@.*|\b(?:amd|intel|apple|core|cpu|processor|\d+-core)\b/g, ' ')
    .match(/[a-z0-9]+/g);
  return [...(words ?? ['unknown']).slice(0, 3), `${threads}core`].join('-');
}
