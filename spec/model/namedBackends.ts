/** The backends that specs of whole models run on. */
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { compileKernels, type KernelVariant } from '../../src/backends/simd/kernels.ts';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';

export interface NamedBackend {
  name: string;
  /** Whether this engine lacks the instructions. */
  missing: boolean;
  open: () => Promise<Backend>;
}

/** Bytes the SIMD backends have here. */
export const backendBytes: number = 2 ** 24;

export const onReference: NamedBackend = {
  name: 'reference',
  missing: false,
  open: () => Promise.resolve(referenceBackend()),
};

export function onSimd(variant: KernelVariant, threads: number): NamedBackend {
  return {
    name: `simd ${variant}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    missing: compileKernels(variant) === null,
    open: () => simdBackend({ memoryBytes: backendBytes, threads, spawn: nodeSpawnWorker, variant }),
  };
}
