/** Chunks cut into short segments: what the race takes the scatter of losses from. */
import { isScored, type Chunks } from '../../eval/chunks.ts';

/** Shorter ones would be more, but their sums as skewed as single losses. */
const LEAST_TARGETS = 4;
const MOST_SEGMENTS = 128;

/** Targets a segment, for chunks of so many targets. */
function segmentLength(targets: number): number {
  return Math.max(LEAST_TARGETS, Math.ceil(targets / MOST_SEGMENTS));
}

/**
 * Σ NLL of each segment's targets that count. Rounded, as the journal keeps them: a resumed race
 * sees the same.
 */
export function segmentNats(chunks: Chunks, index: number, nll: Float32Array): number[] {
  return bySegment(chunks, index, (target) => nll[target]).map((nats) => Number(nats.toPrecision(6)));
}

/**
 * Each segment's share of the targets that count in its chunk: they add up to 1, or are NaN where
 * none counts.
 */
export function segmentShares(chunks: Chunks, index: number): number[] {
  const counts = bySegment(chunks, index, () => 1);
  const all = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / all);
}

function bySegment(chunks: Chunks, index: number, valueOf: (target: number) => number): number[] {
  const targets = chunks.ids[index].length - 1;
  return [...cutLosses(targets, (target) => (isScored(chunks, index, target) ? valueOf(target) : 0))];
}

/** Sums over segments of a chunk's targets. */
export function cutLosses(targets: number, valueOf: (target: number) => number): Float64Array {
  const length = segmentLength(targets);
  const sums = new Float64Array(Math.ceil(targets / length));
  for (let target = 0; target < targets; target++) sums[Math.floor(target / length)] += valueOf(target);
  return sums;
}
