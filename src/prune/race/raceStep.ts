/**
 * One step of the search as a race: ever fewer candidates, chunk by chunk in random order. It asks
 * for the losses of chunks, feeds them to a `Race`, and drops whom that puts out.
 */
import { aggregate, type ChunkScore } from '../../eval/perplexity.ts';
import { walkOf } from '../../model/walk.ts';
import { appendAll } from '../appendAll.ts';
import { stepWork, sweepPasses } from '../blockPasses.ts';
import type { Candidate } from '../candidates.ts';
import type { ScoredCandidate, StepOutcome, StepRace } from '../events.ts';
import type { RaceRecord } from '../journalRecords.ts';
import { lowest } from '../lowest.ts';
import { bestOf, namesThese, outOfPlace, scoredAlone, type StepInput, type StepMeasurement } from '../measureStep.ts';
import type { Priced, PricingJob } from '../pricing/pricer.ts';
import { Race } from './race.ts';
import { raceOrder, type DesignEffect, type RaceSettings } from './raceRule.ts';
import { segmentShares } from './raceSegments.ts';

/** What a race is told of the step before: its candidates, best first, and its design effect. */
export interface StepBefore {
  ranking: readonly string[];
  effect: DesignEffect | null;
}

export class RaceStep implements StepMeasurement {
  readonly #input: StepInput;
  /** All chunks, in the order in which this step visits them. */
  readonly #order: readonly number[];
  readonly #race: Race;
  /** Under the mask alone, in order of visit. */
  readonly #base: ChunkScore[] = [];
  /** [candidate][visit], as far as the candidate came. */
  readonly #scores: readonly ChunkScore[][];
  readonly #looks: StepRace['looks'] = [];
  #chunkPasses = 0;

  /**
   * @param before null in a first step.
   * @throws FormatError where the journal holds another race.
   */
  constructor(input: StepInput, settings: RaceSettings, before: StepBefore | null) {
    const { model, chunks, journal, step, candidates } = input;
    this.#input = input;
    this.#order = raceOrder(chunks.ids.length, settings.seed, step);
    this.#race = new Race({
      candidates: candidates.length,
      population: chunks.ids.length,
      confidence: settings.confidence,
      margin: 2 * model.backend.perplexityNoise,
      places: before === null ? null : placesOf(candidates, before.ranking),
      effect: before?.effect ?? null,
    });
    this.#scores = candidates.map(() => []);
    for (const record of journal.races(step)) this.#take(record);
  }

  next(): PricingJob | null {
    const { mask, pricer, step } = this.#input;
    const { seen, alive, nextLook } = this.#race;
    // A first step also measures the dense model, whatever becomes of the candidates.
    const isOver = alive.length === 0 && step > 1;
    if (seen === this.#order.length || isOver) return null;
    const to = Math.min(nextLook, seen + pricer.groupSize);
    return { mask, candidates: this.#inRace(), chunks: this.#order.slice(seen, to), segments: true };
  }

  async add({ candidates, chunks }: PricingJob, priced: Priced): Promise<void> {
    const { journal, step } = this.#input;
    const record: RaceRecord = {
      type: 'race',
      step,
      from: this.#race.seen,
      to: this.#race.seen + chunks.length,
      chunks: [...chunks],
      seconds: priced.seconds,
      passes: priced.chunkPasses,
      candidates: candidates.map(({ name }) => name),
      base: priced.base,
      scores: priced.scores,
      segments: priced.segments ?? [],
    };
    await journal.addRace(record);
    this.#take(record);
  }

  work(): { done: number; ahead: number; perChunk: number } {
    const { model, mask } = this.#input;
    const perChunk = sweepPasses(walkOf(model.config, mask), this.#inRace());
    return { done: this.#chunkPasses, ahead: (this.#order.length - this.#race.seen) * perChunk, perChunk };
  }

  best(job: ReadonlyMap<string, readonly ChunkScore[]>): { name: string; ppl: number } | null {
    const { seen, alive } = this.#race;
    return bestOf(seen > 0 ? alive.map((index) => this.#perplexityOf(index)) : scoredAlone(this.#input, job));
  }

  outcome(): StepOutcome {
    const { model, chunks, mask, candidates } = this.#input;
    return {
      base: this.#inChunkOrder(this.#base),
      scored: this.#scored(),
      scores: this.#scores.map((own) => (own.length === this.#order.length ? this.#inChunkOrder(own) : [])),
      work: stepWork(walkOf(model.config, mask), candidates, this.#chunkPasses, chunks),
      race: { looks: this.#looks, survivors: this.#race.alive.length },
      effect: this.#race.effect,
    };
  }

  /** Counts a record in, and drops whom the look after it puts out. */
  #take(record: RaceRecord): void {
    this.#checkPlace(record);
    const { chunks, candidates } = this.#input;
    const { alive } = this.#race;
    this.#chunkPasses += record.passes;
    appendAll(this.#base, record.base);
    for (const [row, candidate] of alive.entries()) appendAll(this.#scores[candidate], record.scores[row]);
    for (const [at, chunk] of record.chunks.entries()) {
      this.#race.add(segmentShares(chunks, chunk), (candidate) => {
        const row = alive.indexOf(candidate);
        const { nats, targets } = record.scores[row][at];
        // No target that counts makes a mean of 0/0, as in exact mode.
        const finite = Number.isFinite(nats / targets);
        return finite ? Float64Array.from(record.segments[row][at], (part) => part / targets) : null;
      });
    }
    const dropped = this.#race.look().map((candidate) => candidates[candidate].name);
    if (dropped.length > 0) this.#looks.push({ chunks: this.#race.seen, candidates: alive.length, dropped });
  }

  /** @throws FormatError for a record that is not what this race would do next. */
  #checkPlace(record: RaceRecord): void {
    const { seen, nextLook } = this.#race;
    const follows =
      record.from === seen &&
      record.to <= nextLook &&
      record.chunks.every((chunk, at) => chunk === this.#order[seen + at]) &&
      namesThese(record, this.#inRace());
    if (!follows) throw outOfPlace(record, this.#input.journal);
  }

  #inRace(): Candidate[] {
    return this.#race.alive.map((index) => this.#input.candidates[index]);
  }

  /**
   * Over the chunks that the candidate has seen: exact mode's to the last bit when these are all.
   */
  #perplexityOf(index: number): ScoredCandidate {
    const { name, blocks } = this.#input.candidates[index];
    return { name, blocks, perplexity: aggregate(this.#input.chunks, this.#inChunkOrder(this.#scores[index])) };
  }

  /**
   * All candidates; those that were dropped beside the best of the rest on the chunks they saw.
   */
  #scored(): ScoredCandidate[] {
    const { chunks, candidates } = this.#input;
    const all = this.#order.length;
    const finalists = [...candidates.keys()].filter((index) => this.#scores[index].length === all);
    const best = lowest(finalists.map((index) => ({ index, ...this.#perplexityOf(index) })));
    return candidates.map((_, index): ScoredCandidate => {
      const own = this.#perplexityOf(index);
      const seen = this.#scores[index].length;
      if (seen === all) return own;
      const onTheSame = best === null ? null : this.#inChunkOrder(this.#scores[best.index].slice(0, seen));
      const bestPpl = onTheSame === null ? NaN : aggregate(chunks, onTheSame).ppl;
      return { ...own, dropped: { chunks: seen, againstPick: own.perplexity.ppl / bestPpl } };
    });
  }

  /** Scores of the first visits, by the chunks' own order, in which exact mode adds them up. */
  #inChunkOrder(scores: readonly ChunkScore[]): ChunkScore[] {
    return Array.from(scores.keys())
      .toSorted((a, b) => this.#order[a] - this.#order[b])
      .map((visit) => scores[visit]);
  }
}

/** The candidates of a step, best first: those that saw all, then those dropped latest. */
export function ranking(scored: readonly ScoredCandidate[]): string[] {
  const seen = ({ dropped }: ScoredCandidate): number => dropped?.chunks ?? Infinity;
  const ppl = ({ perplexity }: ScoredCandidate): number => (Number.isNaN(perplexity.ppl) ? Infinity : perplexity.ppl);
  const compare = (a: number, b: number): number => (a === b ? 0 : a - b);
  return scored.toSorted((a, b) => compare(seen(b), seen(a)) || compare(ppl(a), ppl(b))).map(({ name }) => name);
}

/** Places among the last step's candidates that are still there, 0 = best. */
function placesOf(candidates: readonly Candidate[], before: readonly string[]): number[] {
  const names = new Set(candidates.map(({ name }) => name));
  const left = before.filter((name) => names.has(name));
  return candidates.map(({ name }) => left.indexOf(name));
}
