/**
 * The price of a step in block passes of one chunk: one block on one stream. Times tokens a chunk
 * it is block·row passes, the unit of a result's `work`.
 */
import { formatBlock, type BlockId } from '../model/blockId.ts';
import type { Candidate } from './candidates.ts';
import type { BlockPasses } from './events.ts';

/**
 * What a sweep over `candidates` takes from block `from` of the walk on: the unpruned stream, and
 * each fork past its own blocks.
 */
export function sweepPasses(walk: readonly BlockId[], candidates: readonly Candidate[], from = 0): number {
  const names = walk.map(formatBlock);
  return candidates.reduce((sum, { blocks }) => {
    const first = Math.min(...blocks.map((block) => names.indexOf(formatBlock(block))));
    return sum + names.length - Math.max(from, first + blocks.length);
  }, names.length - from);
}

/** What the naive search takes: each candidate's whole model from scratch. */
export function naivePasses(walk: readonly BlockId[], candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { blocks }) => sum + walk.length - blocks.length, 0);
}

/**
 * A step's work in block·row passes. @param done block passes done, each times its chunks. @param
 * rows tokens of all chunks.
 */
export function stepWork(
  walk: readonly BlockId[],
  candidates: readonly Candidate[],
  done: number,
  chunkLength: number,
  rows: number,
): BlockPasses {
  return {
    done: done * chunkLength,
    exact: sweepPasses(walk, candidates) * rows,
    naive: naivePasses(walk, candidates) * rows,
  };
}

export function addWork(a: BlockPasses, b: BlockPasses): BlockPasses {
  return { done: a.done + b.done, exact: a.exact + b.exact, naive: a.naive + b.naive };
}
