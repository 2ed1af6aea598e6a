import { formatBlock } from '../../model/blockId.ts';
import { walkOf } from '../../model/walk.ts';
import type { DeviceTensor } from '../../backends/backend.ts';
import type { Method, Subject, Telling } from '../method.ts';
import { rankingMethod } from './ranking.ts';

/**
 * Block Influence (Men et al. 2024, ShortGPT, §3.2): BI = 1 − mean over tokens of cos(before, after),
 * before and after being the residual stream on both sides of the candidate: a layer as in the
 * paper, or one block of it. All tokens of all chunks count alike, a BOS too. BI is in [0, 2].
 */
export const blockInfluence: Method = rankingMethod({
  name: 'block-influence',
  summary: 'removes the blocks that turn the residual stream the least',
  paper: 'Men et al. 2024, ShortGPT',
  needs: ['calibration', 'taps'],
  defaults: {},
  score: scoreAll,
});

async function* scoreAll(subject: Subject): Telling<number[]> {
  const { chunks, candidates } = subject;
  const sums = new Float64Array(candidates.length);
  for (const [index, ids] of chunks.ids.entries()) {
    const cosines = yield* subject.once(`cosines of chunk ${index}`, () => cosineSums(subject, ids));
    for (const [candidate, sum] of cosines.entries()) sums[candidate] += sum;
    yield { type: 'scoring', fraction: (index + 1) / chunks.ids.length };
  }
  return Array.from(sums, (sum) => 1 - sum / (chunks.ids.length * chunks.chunk));
}

/** Σ over a chunk's tokens of cos(before, after), for each candidate. */
async function cosineSums({ model, candidates }: Subject, ids: Int32Array): Promise<number[]> {
  const ends = new Map(candidates.map(({ blocks }, index) => [formatBlock(blocks[blocks.length - 1]), index]));
  const starts = new Map(candidates.map(({ blocks }, index) => [formatBlock(blocks[0]), index]));
  const sums = candidates.map(() => 0);
  const before = new Map<number, Float32Array>();
  let x: DeviceTensor = await model.embed([ids]);
  for (const block of walkOf(model.config)) {
    const start = starts.get(formatBlock(block));
    if (start !== undefined) before.set(start, await model.backend.download(x));
    const next = await model.block(block, x, ids.length);
    model.backend.free(x);
    x = next;
    const end = ends.get(formatBlock(block));
    if (end === undefined) continue;
    const after = await model.backend.download(x);
    const from = before.get(end) ?? after;
    for (let row = 0; row < ids.length; row++) sums[end] += cosine(from, after, row, x.cols);
  }
  model.backend.free(x);
  return sums;
}

function cosine(x: Float32Array, y: Float32Array, row: number, cols: number): number {
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = row * cols; i < (row + 1) * cols; i++) {
    xx += x[i] * x[i];
    yy += y[i] * y[i];
    xy += x[i] * y[i];
  }
  if (xx * yy === 0) return xx === yy ? 1 : 0;
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}
