import type { GradientBackend } from '../backends/gradients.ts';
import { referenceBackend } from '../backends/reference/referenceBackend.ts';
import type { KernelVariant } from '../backends/simd/kernels.ts';
import { simdGradientBackend } from '../backends/simd/simdGradientBackend.ts';
import { nodeSpawnWorker } from '../platform/nodeThreads.ts';
import { nodeWidenVectors } from '../platform/nodeVectors.ts';
import { defaultMemory, defaultThreads } from '../platform/nodeMachine.ts';
import { interruptibleBackend } from './interruptible.ts';

/** Backends that can train. */
export const trainingBackends = ['simd', 'reference'] as const;

export interface TrainingBackendOptions {
  backend: (typeof trainingBackends)[number];
  threads?: number;
  memory?: number;
}

/**
 * @param variant kernels to insist on. `plain` gives the same bits on every processor; null takes
 * the fastest.
 * @throws UnsupportedBackendError or MemoryBudgetError where it cannot be had.
 */
export async function trainingBackend(
  options: TrainingBackendOptions,
  variant: KernelVariant | null,
): Promise<GradientBackend> {
  if (options.backend === 'reference') return interruptibleBackend(referenceBackend());
  const backend = await simdGradientBackend({
    memoryBytes: options.memory ?? defaultMemory(),
    threads: options.threads ?? defaultThreads(),
    spawn: nodeSpawnWorker,
    widen: nodeWidenVectors,
    ...(variant === null ? {} : { variant }),
  });
  return interruptibleBackend(backend);
}
