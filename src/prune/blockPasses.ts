/**
 * What a step takes, in three units that nest: a block pass is one block on one stream; a chunk
 * pass is one block on one stream of one chunk, as a journal's records count them; a row pass is
 * one block on one token, the unit of a result's `work`.
 */
import { formatBlock, type BlockId } from '../model/blockId.ts';
import type { Candidate } from './candidates.ts';
import type { RowPasses } from './events.ts';

/** How many chunks there are, and how long they are. */
export interface ChunkCounts {
  readonly chunk: number;
  readonly ids: { readonly length: number };
}

/**
 * Block passes of a sweep over `candidates` from block `from` of the walk on: the unpruned stream,
 * and each fork past its own blocks.
 */
export function sweepPasses(walk: readonly BlockId[], candidates: readonly Candidate[], from = 0): number {
  const names = walk.map(formatBlock);
  return candidates.reduce((sum, { blocks }) => {
    const first = Math.min(...blocks.map((block) => names.indexOf(formatBlock(block))));
    return sum + names.length - Math.max(from, first + blocks.length);
  }, names.length - from);
}

/** Block passes of the naive search: each candidate's whole model from scratch. */
export function naivePasses(walk: readonly BlockId[], candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { blocks }) => sum + walk.length - blocks.length, 0);
}

/**
 * A step's work in row passes.
 * @param chunkPasses block passes done, each times its chunks.
 */
export function stepWork(
  walk: readonly BlockId[],
  candidates: readonly Candidate[],
  chunkPasses: number,
  { chunk, ids }: ChunkCounts,
): RowPasses {
  const rows = ids.length * chunk;
  return {
    done: chunkPasses * chunk,
    exact: sweepPasses(walk, candidates) * rows,
    naive: naivePasses(walk, candidates) * rows,
  };
}

/** The work of a step that runs one model from its first block to its last. */
export function walkWork(walk: readonly BlockId[], chunkPasses: number, { chunk, ids }: ChunkCounts): RowPasses {
  const whole = walk.length * ids.length * chunk;
  return { done: chunkPasses * chunk, exact: whole, naive: whole };
}

export function addWork(a: RowPasses, b: RowPasses): RowPasses {
  return { done: a.done + b.done, exact: a.exact + b.exact, naive: a.naive + b.naive };
}
