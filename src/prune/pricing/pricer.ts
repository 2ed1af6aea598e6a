/**
 * Who runs the sweeps of a search: this process (localPricer.ts), or others that answer with the
 * same bits. The search decides what it wants to know of which chunks; how memory is used, and
 * what is kept from one job to the next, is the pricer's own affair.
 */
import { ShapeError } from '../../errors.ts';
import type { ChunkScore } from '../../eval/perplexity.ts';
import type { Mask } from '../../model/mask.ts';
import type { Candidate } from '../candidates.ts';

/** What the search wants priced: each candidate on top of the mask, and the mask alone. */
export interface PricingJob {
  readonly mask: Mask;
  /** Their blocks are unmasked and adjacent in the walk; no two share one. */
  readonly candidates: readonly Candidate[];
  /** Indices of the chunks, 1 … `groupSize` of them. */
  readonly chunks: readonly number[];
  /** Whether the losses of each chunk's segments are wanted too: a race judges by them. */
  readonly segments?: boolean;
}

/** How far a job is. */
export interface PricingProgress {
  /** The share of its work that is done, 0 … 1; `kept` of it by a process before this one. */
  readonly share: number;
  readonly kept: number;
  /** Scores that are new since the event before, by the candidate's name: [chunk]. */
  readonly scores?: ReadonlyMap<string, readonly ChunkScore[]>;
}

/** The answer to a job. Scores are the same to the last bit whoever gives it. */
export interface Priced {
  /** Under the mask alone: [chunk], in the job's order. */
  readonly base: ChunkScore[];
  /** [candidate][chunk] */
  readonly scores: ChunkScore[][];
  /**
   * Σ NLL of each segment, rounded as the journal keeps it: [candidate][chunk][segment]. Only
   * where asked for.
   */
  readonly segments?: number[][][];
  /** Block passes done, each times its chunks. */
  readonly chunkPasses: number;
  /** Seconds of computing. */
  readonly seconds: number;
}

export interface Pricer {
  /** As `Backend.variant`: jobs of one search may be shared among pricers of one variant only. */
  readonly variant: string;
  /** The most chunks of a job. */
  readonly groupSize: number;
  /**
   * Runs a job; one at a time. A caller that abandons the generator abandons the job.
   * @throws ShapeError for chunks that are not there or too many.
   */
  price(job: PricingJob): AsyncGenerator<PricingProgress, Priced>;
  /** Lets go of all that it keeps; it can price no more. */
  close(): void | Promise<void>;
}

/**
 * @param most the pricer's `groupSize`.
 * @param count chunks there are.
 * @throws ShapeError for a job's chunks that are not there or too many.
 */
export function checkGroup(group: readonly number[], most: number, count: number): void {
  if (group.length < 1 || group.length > most) {
    throw new ShapeError(`a job of ${group.length} chunks, where 1 … ${most} fit into memory.`);
  }
  const missing = group.find((chunk) => !(Number.isInteger(chunk) && chunk >= 0 && chunk < count));
  if (missing !== undefined) throw new ShapeError(`a job names chunk ${missing} of ${count}.`);
}
