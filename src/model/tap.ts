/** What may be looked at while a model runs: how pruning methods measure blocks and projections. */
import type { DeviceTensor, Scope } from '../backends/backend.ts';
import type { BlockId } from './blockId.ts';
import { weightNames } from './blockTensors.ts';
import type { ModelConfig } from './config.ts';
import { observeOps } from './observeOps.ts';
import { applyBlock, type Placement, type ResidualBlock } from './residualBlock.ts';

/**
 * Sees the streams of a walk and the inputs of its projections, and changes none. Every array is
 * the model's own: it is freed once the tap has returned and the promise it returned, if any, has
 * resolved. So a tap computes in `scope`, and downloads or keeps what it needs for longer.
 */
export interface Tap {
  /** The residual stream [R, C] before and after a block. */
  block?(id: BlockId, before: DeviceTensor, after: DeviceTensor, scope: Scope): void | Promise<void>;
  /** The input [R, in] of a projection, by its name: `model.layers.3.mlp.up_proj.weight`. */
  input?(weight: string, x: DeviceTensor, scope: Scope): void | Promise<void>;
}

/** `applyBlock` while a tap looks on: the same ops on the same arrays, so the same bits. */
export async function applyTapped(
  tap: Tap,
  scope: Scope,
  config: ModelConfig,
  block: ResidualBlock,
  x: DeviceTensor,
  at: Placement,
): Promise<DeviceTensor> {
  const names = weightNames(config, block);
  const pending: (void | Promise<void>)[] = [];
  const ops = observeOps(scope, ({ op, inputs: [input, weight] }) => {
    const name = names.get(weight);
    if (op === 'linear' && name !== undefined) pending.push(tap.input?.(name, input as DeviceTensor, scope));
  });
  try {
    const after = applyBlock(ops, config, block, x, at);
    await Promise.all(pending);
    await tap.block?.({ kind: block.kind, layer: block.layer }, x, after, scope);
    return after;
  } finally {
    // One that failed must not leave the others with arrays that are freed under them.
    await Promise.allSettled(pending);
  }
}
