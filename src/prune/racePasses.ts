import { formatBlock, type BlockId } from '../model/blockId.ts';
import type { Candidate } from './candidates.ts';

/** Work in block passes of one chunk: one block on one stream. Times chunks and tokens a chunk, it is block·row passes. */

/** What a sweep over `candidates` takes: the unpruned stream, and each fork from its block on. */
export function sweepPasses(walk: readonly BlockId[], candidates: readonly Candidate[]): number {
  const names = walk.map(formatBlock);
  return candidates.reduce((sum, { blocks }) => {
    const first = Math.min(...blocks.map((block) => names.indexOf(formatBlock(block))));
    return sum + names.length - first - blocks.length;
  }, names.length);
}

/** What the naive search takes: each candidate's whole model from scratch. */
export function naivePasses(walk: readonly BlockId[], candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { blocks }) => sum + walk.length - blocks.length, 0);
}
