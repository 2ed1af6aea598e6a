import type { Chunks } from '../../eval/chunks.ts';
import { scoreChunk } from '../../eval/perplexity.ts';
import type { Transformer } from '../../model/transformer.ts';
import { segmentNats } from '../race/raceSegments.ts';
import { GroupCheckpoints } from './checkpoints.ts';
import { planBundle } from './plan.ts';
import { checkGroup, type Priced, type Pricer, type PricingJob } from './pricer.ts';
import { StreamHolders } from './streamHolders.ts';
import { sweep, type SweepProgress } from './sweep.ts';

export interface LocalPricerOptions {
  /**
   * Chunks a sweep carries at most: as many as the memory budget holds streams for (`planGroup`).
   */
  groupSize: number;
  /**
   * For streams kept from step to step (checkpoints.ts); default 0. They serve a search that comes
   * back to the same chunks in every step, which a race does not.
   */
  checkpointBytes?: number;
}

/**
 * Prices by sweeps in this process. Its options change the time that takes, never what comes out.
 */
export function localPricer(
  model: Transformer,
  chunks: Chunks,
  { groupSize, checkpointBytes = 0 }: LocalPricerOptions,
): Pricer {
  const groups = Math.ceil(chunks.ids.length / groupSize);
  const holders = new StreamHolders(model.backend);
  const kept = new GroupCheckpoints(holders, groups, checkpointBytes);
  return {
    variant: model.backend.variant,
    groupSize,
    async *price({ mask, candidates, chunks: group, segments }: PricingJob): AsyncGenerator<SweepProgress, Priced> {
      checkGroup(group, groupSize, chunks.ids.length);
      const started = performance.now();
      const swept = yield* sweep(
        model,
        group.map((chunk) => chunks.ids[chunk]),
        mask,
        candidates,
        {
          holders,
          checkpoints: kept.of(group),
          bundle: planBundle(model, chunks.chunk, candidates.length, groupSize, group.length),
        },
      );
      const seconds = (performance.now() - started) / 1000;
      const ofEach = <T>(rows: readonly Float32Array[], score: (chunk: number, nll: Float32Array) => T): T[] =>
        rows.map((nll, at) => score(group[at], nll));
      const scoresOf = (rows: readonly Float32Array[]) => ofEach(rows, (chunk, nll) => scoreChunk(chunks, chunk, nll));
      const segmentsOf = (rows: readonly Float32Array[]) =>
        ofEach(rows, (chunk, nll) => segmentNats(chunks, chunk, nll));
      return {
        base: scoresOf(swept.base),
        scores: swept.candidates.map(scoresOf),
        ...(segments === true ? { segments: swept.candidates.map(segmentsOf) } : {}),
        chunkPasses: swept.passes * group.length,
        seconds,
      };
    },
    close: () => kept.free(),
  };
}
