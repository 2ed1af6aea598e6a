/**
 * Block Influence in its plainest form: the streams on the host, cosines in f64, one token after
 * another. The method's scores must agree with these.
 */
import type { Chunks } from '../../src/eval/chunks.ts';
import type { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import { walkIndex } from '../../src/model/blockId.ts';
import type { Candidate } from '../../src/prune/candidates.ts';

/** 1 − mean over tokens of cos(before, after) of each candidate. */
export async function plainInfluence(
  model: Transformer,
  chunks: Chunks,
  candidates: readonly Candidate[],
): Promise<number[]> {
  const walk = walkOf(model.config);
  const sums = candidates.map(() => 0);
  for (const ids of chunks.ids) {
    // streams[k] is what block k of the walk sees; the last is what leaves the last block.
    const streams: Float32Array[] = [];
    let x = await model.embed([ids]);
    for (const block of walk) {
      streams.push(await model.backend.download(x));
      const next = await model.block(block, x, ids.length);
      model.backend.free(x);
      x = next;
    }
    streams.push(await model.backend.download(x));
    model.backend.free(x);
    for (const [index, { blocks }] of candidates.entries()) {
      const before = streams[walkIndex(blocks[0])];
      const after = streams[walkIndex(blocks[blocks.length - 1]) + 1];
      const cols = before.length / ids.length;
      for (let token = 0; token < ids.length; token++) {
        sums[index] += cosine(before.subarray(token * cols, (token + 1) * cols), after.subarray(token * cols));
      }
    }
  }
  return sums.map((sum) => 1 - sum / (chunks.ids.length * chunks.chunk));
}

function cosine(x: Float32Array, y: Float32Array): number {
  const dot = (a: Float32Array, b: Float32Array): number => x.reduce((sum, _, i) => sum + a[i] * b[i], 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}
