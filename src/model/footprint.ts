/**
 * What a block holds in memory while it runs, found by a dry run of `applyBlock` on shapes: no
 * formula here repeats how a block computes.
 */
import type { DeviceTensor, LinearWeight } from '../backends/backend.ts';
import type { BlockId } from './blockId.ts';
import { assembleBlock } from './blockTensors.ts';
import type { ModelConfig } from './config.ts';
import { CountingOps } from './countingOps.ts';
import { applyBlock } from './residualBlock.ts';
import { blockShapes } from './tensorShapes.ts';
import { walkOf } from './walk.ts';

export interface Footprint {
  /**
   * Bytes for each row of a stream, in all arrays that a block makes while it runs: its result is
   * among them, the stream that goes in is not. Attention's scores are the kernel's own business.
   */
  readonly bytesPerRow: number;
  /** Numbers for each row of a stream in the largest result of an op. */
  readonly widestRow: number;
}

/** Of one block. */
export function blockFootprint(config: ModelConfig, id: BlockId): Footprint {
  const ops = new CountingOps();
  // One row; what a block makes grows with the rows.
  applyOnShapes(ops, config, id, { rows: 1, seqLen: 1 });
  return { bytesPerRow: 4 * ops.elements, widestRow: ops.largest };
}

/** Runs a block on shapes alone: a stream of `rows` rows, in sequences of `seqLen`. */
export function applyOnShapes(
  ops: CountingOps,
  config: ModelConfig,
  id: BlockId,
  { rows, seqLen }: { readonly rows: number; readonly seqLen: number },
): void {
  const shapes = blockShapes(config, id);
  const shapeOf = (name: string): readonly number[] => shapes.get(name) ?? [0, 0];
  const block = assembleBlock(config, id, {
    linear({ weight }): LinearWeight {
      const [outFeatures, inFeatures] = shapeOf(weight);
      return { outFeatures, inFeatures, bytes: 0 };
    },
    vector(name): DeviceTensor {
      return { rows: 1, cols: shapeOf(name)[0] };
    },
  });
  const angles = { rows: seqLen, cols: config.headDim / 2 };
  const rope = config.rope === null ? null : { cos: angles, sin: angles };
  applyBlock(ops, config, block, { rows, cols: config.hiddenSize }, { seqLen, start: 0, rope, cache: null });
}

/** The most that any block of the model holds. A stream itself is a row of hiddenSize numbers. */
export function footprint(config: ModelConfig): Footprint {
  const blocks = walkOf(config).map((id) => blockFootprint(config, id));
  return {
    bytesPerRow: Math.max(0, ...blocks.map(({ bytesPerRow }) => bytesPerRow)),
    widestRow: Math.max(config.hiddenSize, ...blocks.map(({ widestRow }) => widestRow)),
  };
}

/**
 * Bytes for each row of so many streams side by side, and of one more while one of them moves on.
 */
export function streamBytes({ hiddenSize }: ModelConfig, streams: number): number {
  return 4 * (streams + 1) * hiddenSize;
}

/**
 * Bytes for each row of streams that walk the model side by side, at the worst moment: while a
 * block runs on one of them, or at the end, when the head holds all of them normed and its sums.
 * @param nllRowBytes of the backend that runs it.
 */
export function walkBytes(config: ModelConfig, streams: number, nllRowBytes: number): number {
  const head = streams * (4 * config.hiddenSize + nllRowBytes);
  return Math.max(streamBytes(config, streams) + footprint(config).bytesPerRow, head);
}
