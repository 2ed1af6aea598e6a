/**
 * One step of a search, job by job: what is to be measured next goes to the pricer, what comes
 * back goes into the journal and is counted in. Exact steps and races differ in which jobs they
 * ask for and in what they make of the answers (exactStep.ts, race/raceStep.ts).
 */
import { FormatError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { requireFiniteLoss } from '../eval/nonFinite.ts';
import type { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Candidate } from './candidates.ts';
import type { SearchProgressEvent, StepOutcome } from './events.ts';
import type { Journal } from './journal.ts';
import { OTHER_OUT, type GroupRecord, type RaceRecord } from './journalRecords.ts';
import { mapEvents } from './mapEvents.ts';
import type { Priced, Pricer, PricingJob } from './pricing/pricer.ts';
import type { SweepProgress } from './pricing/sweep.ts';

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
}

/** A step under way, with all that the journal holds of it counted in from the start. */
export interface StepMeasurement {
  /** The next job; null when nothing is left to measure. */
  next(): PricingJob | null;
  /** Puts a job's answer into the journal and counts it in. */
  add(job: PricingJob, priced: Priced): Promise<void>;
  /** Work done and still to do, in any one unit, and how much of it a chunk of the next job is. */
  work(): { done: number; ahead: number; perChunk: number };
  /** The lowest perplexity over the chunks seen; null before the first. */
  best(): { name: string; ppl: number } | null;
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
  const recorded = measurement.work().done;
  for (let job = measurement.next(); job !== null; job = measurement.next()) {
    const { done, ahead, perChunk } = measurement.work();
    const best = measurement.best();
    const { chunks: group, candidates } = job;
    const progress = ({ passes, totalPasses }: SweepProgress): SearchProgressEvent => {
      const now = done + (passes / totalPasses) * group.length * perChunk;
      return {
        type: 'progress',
        step,
        candidates: candidates.length,
        fraction: now / (done + ahead),
        seconds: (performance.now() - started) / 1000,
        computed: (now - recorded) / (done + ahead),
        best,
      };
    };
    const priced = yield* mapEvents(pricer.price(job), progress);
    // The dense model must be sound; candidates need not be.
    if (step === 1) {
      for (const [at, chunk] of group.entries()) {
        await requireFiniteLoss(model, chunks, mask, [priced.base[at]], chunk);
      }
    }
    await measurement.add(job, priced);
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
