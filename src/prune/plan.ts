/** How memory is shared between weights and activations, and how many chunks a sweep carries at once. */
import { MemoryBudgetError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';

export interface MemoryPlan {
  /** Budget for packed weights. */
  weightBytes: number;
  /** Budget for residual streams and what a block needs while it runs. */
  activationBytes: number;
}

/** A quarter for activations, at most a GiB: streams beyond that only make groups larger than helps. */
export function planMemory(memoryBytes: number): MemoryPlan {
  const activationBytes = Math.min(memoryBytes / 4, 2 ** 30);
  // What the allocator rounds up, and holes between pieces.
  const slack = memoryBytes / 32;
  return { activationBytes, weightBytes: memoryBytes - activationBytes - slack };
}

/**
 * Chunks a sweep of `candidates` streams can carry at once.
 * @throws MemoryBudgetError when not even one fits.
 */
export function planGroup(config: ModelConfig, chunk: number, candidates: number, activationBytes: number): number {
  const streams = candidates + 2;
  const queryWidth = config.numAttentionHeads * config.headDim;
  const keyWidth = config.numKeyValueHeads * config.headDim;
  // While a block runs: MHA holds norm, q, k, v (each also rotated), mix and output; MLP norm, gate, up, product, output.
  const mha = 3 * config.hiddenSize + 3 * queryWidth + 3 * keyWidth;
  const mlp = 3 * config.hiddenSize + 3 * config.intermediateSize;
  const perChunk = chunk * 4 * (streams * (config.hiddenSize + 6) + Math.max(mha, mlp));
  const groups = Math.floor(activationBytes / perChunk);
  if (groups < 1) {
    throw new MemoryBudgetError(
      `${streams} streams of a chunk of ${chunk} tokens take ${Math.ceil(perChunk / 2 ** 20)} MiB, the budget leaves ${Math.floor(activationBytes / 2 ** 20)} MiB.`,
      { remedy: 'Raise --memory or lower --chunk.' },
    );
  }
  return groups;
}
