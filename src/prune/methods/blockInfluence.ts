import { formatBlock } from '../../model/blockId.ts';
import { Mask } from '../../model/mask.ts';
import type { Tap } from '../../model/tap.ts';
import type { Method, Subject, Telling } from '../method.ts';
import { rankingMethod } from './ranking.ts';

/**
 * Block Influence (Men et al. 2024, ShortGPT, eq. 1): BI = 1 − mean over tokens of cos(before,
 * after), before and after being the residual stream on both sides of the candidate: a layer as in
 * the paper, or one block of it. All tokens of all chunks count alike, a BOS too. BI is in [0, 2].
 */
export const blockInfluence: Method = rankingMethod({
  name: 'block-influence',
  summary: 'removes the blocks that turn the residual stream the least',
  paper: 'Men et al. 2024, ShortGPT',
  needs: ['calibration', 'taps'],
  scoring: 'walk',
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

/** Σ over a chunk's tokens of cos(before, after) for each candidate, in f64. */
async function cosineSums({ model, candidates }: Subject, ids: Int32Array): Promise<number[]> {
  const { backend } = model;
  const firsts = new Set(candidates.map(({ blocks }) => formatBlock(blocks[0])));
  const lasts = new Map(candidates.map(({ blocks }, index) => [formatBlock(blocks[blocks.length - 1]), index]));
  const sums = candidates.map(() => 0);
  /**
   * The stream before a candidate of several blocks, on the host: a tap's arrays do not live on.
   */
  let entered: Float32Array | null = null;
  const tap: Tap = {
    async block(id, before, after, scope) {
      const first = firsts.has(formatBlock(id));
      const last = lasts.get(formatBlock(id));
      if (last === undefined) {
        if (first) entered = await backend.download(before);
        return;
      }
      const from = first || entered === null ? before : scope.upload(entered, before.rows, before.cols);
      for (const cosine of await backend.download(scope.rowCosines(from, after))) sums[last] += cosine;
    },
  };
  backend.free(await model.walk([ids], Mask.empty, tap));
  return sums;
}
