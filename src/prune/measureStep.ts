/**
 * One step of a search, job by job: what is to be measured next goes to the pricer, what comes
 * back goes into the journal and is counted in. Exact steps and races differ in which jobs they
 * ask for and in what they make of the answers (exactStep.ts, race/raceStep.ts).
 */
import { FormatError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { aggregate, type ChunkScore } from '../eval/perplexity.ts';
import { requireFiniteLoss } from '../eval/nonFinite.ts';
import type { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Candidate } from './candidates.ts';
import type { ScoredCandidate, SearchProgressEvent, StepOutcome } from './events.ts';
import type { Journal } from './journal.ts';
import { OTHER_OUT, type GroupRecord, type RaceRecord } from './journalRecords.ts';
import { lowest, type Metric } from './lowest.ts';
import { mapEvents } from './mapEvents.ts';
import type { Priced, Pricer, PricingJob, PricingProgress } from './pricing/pricer.ts';

/** What a search works on. */
export interface SearchInput {
  model: Transformer;
  chunks: Chunks;
  /** Gives back what it holds already, and takes what is new. */
  journal: Journal;
  /** Runs the sweeps; whoever made it closes it. */
  pricer: Pricer;
}

/** What one step measures: candidates, each on top of a mask. */
export interface StepInput extends SearchInput {
  /** From 1 on. */
  step: number;
  mask: Mask;
  candidates: readonly Candidate[];
  /** Default: perplexity. */
  metric?: Metric;
}

/** A step under way, with all that the journal holds of it counted in from the start. */
export interface StepMeasurement {
  /** The next job; null when nothing is left to measure. */
  next(): PricingJob | null;
  /** Puts a job's answer into the journal and counts it in. */
  add(job: PricingJob, priced: Priced): Promise<void>;
  /** Work done and still to do, in any one unit, and how much of it a chunk of the next job is. */
  work(): { done: number; ahead: number; perChunk: number };
  /**
   * The lowest perplexity over the chunks seen; before the first it is the lowest over a job's
   * chunks, of candidates that have their scores already. Null where there is none.
   */
  best(job: ReadonlyMap<string, readonly ChunkScore[]>): { name: string; ppl: number } | null;
  /** What it all came to, once `next` gives null. */
  outcome(): StepOutcome;
}

/**
 * Runs what is left of a step.
 * @throws NonFiniteError where the dense model's loss, which a first step measures, is not finite.
 */
export async function* measureStep(
  { model, chunks, pricer, step, mask }: StepInput,
  measurement: StepMeasurement,
): AsyncGenerator<SearchProgressEvent, StepOutcome> {
  const started = performance.now();
  /** What runs before this one did, in the measurement's unit. */
  let before = measurement.work().done;
  for (let job = measurement.next(); job !== null; job = measurement.next()) {
    const { done, ahead, perChunk } = measurement.work();
    const { chunks: group, candidates } = job;
    const priced = new Map<string, readonly ChunkScore[]>();
    let best = measurement.best(priced);
    let keptOfJob = 0;
    const progress = ({ share, kept, scores }: PricingProgress): SearchProgressEvent => {
      for (const [name, own] of scores ?? []) priced.set(name, own);
      if (scores !== undefined && scores.size > 0) best = measurement.best(priced);
      const now = done + share * group.length * perChunk;
      keptOfJob = kept * group.length * perChunk;
      return {
        type: 'progress',
        step,
        candidates: candidates.length,
        fraction: now / (done + ahead),
        seconds: (performance.now() - started) / 1000,
        computed: (now - before - keptOfJob) / (done + ahead),
        best,
      };
    };
    const answer = yield* mapEvents(pricer.price(job), progress);
    // The dense model must be sound; candidates need not be.
    if (step === 1) {
      for (const [at, chunk] of group.entries()) {
        await requireFiniteLoss(model, chunks, mask, [answer.base[at]], chunk);
      }
    }
    await measurement.add(job, answer);
    before += keptOfJob;
  }
  return measurement.outcome();
}

/** A record that is not what its step would have measured next. */
export function outOfPlace(record: GroupRecord | RaceRecord, journal: Journal): FormatError {
  return new FormatError(`step ${record.step} of the journal does not follow from what comes before it.`, {
    where: journal.placeOf(record),
    remedy: OTHER_OUT,
  });
}

/** Whether a record's candidates are these, in this order. */
export function namesThese(record: GroupRecord | RaceRecord, candidates: readonly Candidate[]): boolean {
  return (
    record.candidates.length === candidates.length &&
    record.candidates.every((name, index) => name === candidates[index].name)
  );
}

/** Candidates over the chunks of a first job alone, as far as they have their scores. */
export function scoredAlone(
  { candidates, chunks }: StepInput,
  job: ReadonlyMap<string, readonly ChunkScore[]>,
): ScoredCandidate[] {
  return candidates.flatMap((candidate) => {
    const scores = job.get(candidate.name);
    return scores === undefined ? [] : [{ ...candidate, perplexity: aggregate(chunks, scores) }];
  });
}

/** The lowest of them by name; null where none is finite. */
export function bestOf(
  scored: readonly ScoredCandidate[],
  metric: Metric = 'ppl',
): { name: string; ppl: number } | null {
  const best = lowest(scored, metric);
  return best === null ? null : { name: best.name, ppl: best.perplexity.ppl };
}
