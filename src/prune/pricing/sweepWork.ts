/** What a sweep takes: its block passes, and what the head takes in terms of them. */
import type { BlockId } from '../../model/blockId.ts';
import type { ModelConfig } from '../../model/config.ts';
import { blockShapes } from '../../model/tensorShapes.ts';
import { sizeOf } from '../../model/weights.ts';
import { sweepPasses } from '../blockPasses.ts';
import type { Candidate } from '../candidates.ts';

export interface SweepWork {
  /** Block passes; a pass is one block on one stream. */
  readonly passes: number;
  /** Streams that the head has: the candidates', and the unpruned one. */
  readonly streams: number;
  /** The head on one stream, in passes of a block of mean size. It is for progress alone. */
  readonly headPasses: number;
}

/**
 * Of a sweep over `candidates` from block `from` of the walk on. Attention's own multiplications
 * are left out: they are few beside those with weights.
 */
export function workOf(
  config: ModelConfig,
  walk: readonly BlockId[],
  candidates: readonly Candidate[],
  from: number,
): SweepWork {
  const sizes = walk.map((block) =>
    [...blockShapes(config, block).values()].reduce((sum, shape) => sum + sizeOf(shape), 0),
  );
  const mean = sizes.reduce((sum, size) => sum + size, 0) / walk.length;
  return {
    passes: sweepPasses(walk, candidates, from),
    streams: candidates.length + 1,
    // A walk without blocks is the head alone.
    headPasses: walk.length === 0 ? 1 : (config.vocabSize * config.hiddenSize) / mean,
  };
}
