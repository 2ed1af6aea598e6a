import type { Chunks } from '../../eval/chunks.ts';
import { scoreChunk, type ChunkScore } from '../../eval/perplexity.ts';
import { bySequence, type Transformer } from '../../model/transformer.ts';
import { mapEvents } from '../mapEvents.ts';
import { segmentNats } from '../race/raceSegments.ts';
import { GroupCheckpoints } from './checkpoints.ts';
import type { DenseChunks } from './denseChunks.ts';
import { planBundle, planPortion } from './plan.ts';
import { checkGroup, type Priced, type Pricer, type PricingJob, type PricingProgress } from './pricer.ts';
import { StreamHolders } from './streamHolders.ts';
import { sweep } from './sweep.ts';
import type { WalkKeeper } from './walkKeeper.ts';

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
  /** Keeps walks that are under way; without one a killed process loses them. */
  keeper?: WalkKeeper | null;
  /** What KL divergences are measured from; default: they are not measured. */
  dense?: DenseChunks | null;
  /** Names what was done to the model that is priced on; default: it is the run's own. */
  modelName?: string | null;
}

/**
 * Prices by sweeps in this process. Its options change the time that takes, never what comes out.
 */
export function localPricer(
  model: Transformer,
  chunks: Chunks,
  { groupSize, checkpointBytes = 0, keeper = null, dense = null, modelName = null }: LocalPricerOptions,
): Pricer {
  const groups = Math.ceil(chunks.ids.length / groupSize);
  const holders = new StreamHolders(model.backend);
  const kept = new GroupCheckpoints(holders, groups, checkpointBytes);
  return {
    variant: model.backend.variant,
    groupSize,
    async *price(job: PricingJob): AsyncGenerator<PricingProgress, Priced> {
      const { mask, candidates, chunks: group, segments } = job;
      checkGroup(group, groupSize, chunks.ids.length);
      const started = performance.now();
      await keeper?.settle();
      const jobKeeper = keeper?.of(job, modelName, dense !== null, model.backend);
      const ids = group.map((chunk) => chunks.ids[chunk]);
      const bundle = planBundle(model, chunks.chunk, candidates.length, groupSize, group.length);
      const scoresOf = (rows: readonly Float32Array[], kl?: readonly Float32Array[]): ChunkScore[] =>
        rows.map((nll, at) => scoreChunk(chunks, group[at], nll, kl?.[at]));
      const segmentsOf = (rows: readonly Float32Array[]): number[][] =>
        rows.map((nll, at) => segmentNats(chunks, group[at], nll));
      const walk = sweep(model, ids, mask, candidates, {
        holders,
        checkpoints: kept.of(group),
        bundle,
        portion: planPortion(group.length * chunks.chunk, bundle, model.pieces.fit),
        keeper: jobKeeper,
        dense: dense === null ? undefined : await dense.of(group),
      });
      const swept = yield* mapEvents(walk, ({ share, kept: earlier, figures }) => {
        const scores = new Map(
          [...figures].map(([name, { nll, kl }]) => {
            return [name, scoresOf(bySequence(nll, ids), kl === undefined ? kl : bySequence(kl, ids))];
          }),
        );
        return { share, kept: earlier, scores };
      });
      return {
        base: scoresOf(swept.base, swept.kl?.base),
        scores: swept.candidates.map((rows, index) => scoresOf(rows, swept.kl?.candidates[index])),
        ...(segments === true ? { segments: swept.candidates.map(segmentsOf) } : {}),
        chunkPasses: swept.passes * group.length,
        seconds: jobKeeper?.seconds() ?? (performance.now() - started) / 1000,
      };
    },
    async close() {
      kept.free();
      await keeper?.settle();
    },
  };
}
