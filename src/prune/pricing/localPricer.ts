import type { Chunks } from '../../eval/chunks.ts';
import { scoreChunk, type ChunkScore } from '../../eval/perplexity.ts';
import { bySequence, type Transformer } from '../../model/transformer.ts';
import { mapEvents } from '../mapEvents.ts';
import { segmentNats } from '../race/raceSegments.ts';
import { GroupCheckpoints } from './checkpoints.ts';
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
  /** Names what was done to the model that is priced on; default: it is the run's own. */
  modelName?: string | null;
}

/**
 * Prices by sweeps in this process. Its options change the time that takes, never what comes out.
 */
export function localPricer(
  model: Transformer,
  chunks: Chunks,
  { groupSize, checkpointBytes = 0, keeper = null, modelName = null }: LocalPricerOptions,
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
      const jobKeeper = keeper?.of(job, modelName, model.backend);
      const ids = group.map((chunk) => chunks.ids[chunk]);
      const bundle = planBundle(model, chunks.chunk, candidates.length, groupSize, group.length);
      const ofEach = <T>(rows: readonly Float32Array[], score: (chunk: number, nll: Float32Array) => T): T[] =>
        rows.map((nll, at) => score(group[at], nll));
      const scoresOf = (rows: readonly Float32Array[]): ChunkScore[] =>
        ofEach(rows, (chunk, nll) => scoreChunk(chunks, chunk, nll));
      const segmentsOf = (rows: readonly Float32Array[]): number[][] =>
        ofEach(rows, (chunk, nll) => segmentNats(chunks, chunk, nll));
      const walk = sweep(model, ids, mask, candidates, {
        holders,
        checkpoints: kept.of(group),
        bundle,
        portion: planPortion(group.length * chunks.chunk, bundle, model.pieces.fit),
        keeper: jobKeeper,
      });
      const swept = yield* mapEvents(walk, ({ share, kept: earlier, figures }) => {
        const scores = new Map([...figures].map(([name, { nll }]) => [name, scoresOf(bySequence(nll, ids))]));
        return { share, kept: earlier, scores };
      });
      return {
        base: scoresOf(swept.base),
        scores: swept.candidates.map(scoresOf),
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
