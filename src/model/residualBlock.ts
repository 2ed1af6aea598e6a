/**
 * The unit of pruning: one residual branch, x ← x + branch(norm(x)), with its weights on a backend.
 * A layer has two: attention (MHA), which mixes tokens, and an MLP, which does not. To remove a
 * block means not to run it: its norm goes with it, and x stays as it is (Zhong et al. 2025, §3).
 *
 * Shapes: R rows (tokens of all sequences), C hiddenSize, H query heads, K key/value heads, D
 * headDim, F intermediateSize. Every projection is x Wᵀ (+ bias). `ops` runs the operations: on a
 * backend, or in training on a tape that also keeps what gradients need.
 */
import type { DeviceTensor, LinearWeight, Ops, RopeTable } from '../backends/backend.ts';
import { mhaSpec, type ModelConfig } from './config.ts';
import type { AppendToCache } from './kvCache.ts';

export interface NormWeights {
  weight: DeviceTensor;
  /** LayerNorm has one, RMSNorm does not. */
  bias: DeviceTensor | null;
}

export interface MhaBlock {
  kind: 'mha';
  layer: number;
  norm: NormWeights;
  /** Three projections; or one for all, whose result has columns q | k | v (GPT-2). */
  qkv: { q: LinearWeight; k: LinearWeight; v: LinearWeight } | { fused: LinearWeight };
  output: LinearWeight;
  /** RMSNorm gain of each head's query and key, [1, D] (Qwen3). */
  qNorm: DeviceTensor | null;
  kNorm: DeviceTensor | null;
}

export interface MlpBlock {
  kind: 'mlp';
  layer: number;
  norm: NormWeights;
  /** SwiGLU's gate; null for GPT-2's two-matrix MLP. */
  gate: LinearWeight | null;
  up: LinearWeight;
  down: LinearWeight;
}

export type ResidualBlock = MhaBlock | MlpBlock;

/** Where the rows of x sit: x [n·seqLen, C] holds n sequences, each from position `start` on. */
export interface Placement {
  seqLen: number;
  start: number;
  rope: RopeTable | null;
  /** Adds these positions to the cached ones before `start`; null without a cache. */
  cache: AppendToCache | null;
}

/** x + branch(norm(x)): [R, C] → [R, C]. `ops` owns the result and frees it. */
export function applyBlock(
  ops: Ops,
  config: ModelConfig,
  block: ResidualBlock,
  x: DeviceTensor,
  at: Placement,
): DeviceTensor {
  const branch = block.kind === 'mha' ? mha(ops, config, block, x, at) : mlp(ops, config, block, x);
  return ops.add(x, branch);
}

/**
 * Attention: a token takes a weighted mean of the values of the tokens up to its own,
 * softmax(q kᵀ / √D + causal mask) v in each head, and projects what its heads found back to C.
 */
function mha(ops: Ops, config: ModelConfig, block: MhaBlock, x: DeviceTensor, at: Placement): DeviceTensor {
  const { headDim } = config;
  // Layers may differ: a pruned model can have narrower ones.
  const { heads, kvHeads, window } = mhaSpec(config, block.layer);
  const { seqLen, start } = at;
  const normed = applyNorm(ops, config, block.norm, x);
  let { q, k, v } = project(ops, config, block, normed);
  if (block.qNorm !== null) q = normHeads(ops, q, block.qNorm, config);
  if (block.kNorm !== null) k = normHeads(ops, k, block.kNorm, config);
  if (at.rope !== null) {
    q = ops.rope(q, at.rope, { heads, headDim, seqLen, start });
    k = ops.rope(k, at.rope, { heads: kvHeads, headDim, seqLen, start });
  }
  const keyLen = start + seqLen;
  if (at.cache !== null) [k, v] = at.cache(k, v);
  const mixed = ops.attention(q, k, v, {
    numHeads: heads,
    numKvHeads: kvHeads,
    headDim,
    seqLen,
    keyLen,
    // A window that spans all keys has no effect: the kernels need not look at it.
    window: window !== null && window < keyLen ? window : null,
  });
  return ops.linear(mixed, block.output);
}

/**
 * down(silu(gate(x)) · up(x)), or down(gelu(up(x))) where there is no gate: [R, C] → [R, F] → [R,
 * C].
 */
function mlp(ops: Ops, config: ModelConfig, block: MlpBlock, x: DeviceTensor): DeviceTensor {
  const normed = applyNorm(ops, config, block.norm, x);
  const up = ops.linear(normed, block.up);
  const hidden =
    block.gate === null
      ? ops.gelu(up, config.mlp === 'gelu' ? 'erf' : 'tanh')
      : ops.swiglu(ops.linear(normed, block.gate), up);
  return ops.linear(hidden, block.down);
}

/** The model's norm, RMSNorm or LayerNorm, over rows [R, C]. */
export function applyNorm(ops: Ops, config: ModelConfig, norm: NormWeights, x: DeviceTensor): DeviceTensor {
  if (norm.bias === null) return ops.rmsNorm(x, norm.weight, config.norm.eps);
  return ops.layerNorm(x, norm.weight, norm.bias, config.norm.eps);
}

/** Queries [R, H·D], keys and values [R, K·D]. */
function project(
  ops: Ops,
  config: ModelConfig,
  block: MhaBlock,
  normed: DeviceTensor,
): { q: DeviceTensor; k: DeviceTensor; v: DeviceTensor } {
  if ('q' in block.qkv) {
    const { q, k, v } = block.qkv;
    return { q: ops.linear(normed, q), k: ops.linear(normed, k), v: ops.linear(normed, v) };
  }
  const fused = ops.linear(normed, block.qkv.fused);
  const { heads, kvHeads } = mhaSpec(config, block.layer);
  const queryWidth = heads * config.headDim;
  const keyWidth = kvHeads * config.headDim;
  return {
    q: ops.columns(fused, 0, queryWidth),
    k: ops.columns(fused, queryWidth, queryWidth + keyWidth),
    v: ops.columns(fused, queryWidth + keyWidth, queryWidth + 2 * keyWidth),
  };
}

/** RMSNorm of each head on its own: the rows [R, heads·D] seen as [R·heads, D]. */
function normHeads(ops: Ops, x: DeviceTensor, gain: DeviceTensor, config: ModelConfig): DeviceTensor {
  const heads = ops.reshape(x, (x.rows * x.cols) / config.headDim, config.headDim);
  return ops.reshape(ops.rmsNorm(heads, gain, config.norm.eps), x.rows, x.cols);
}
