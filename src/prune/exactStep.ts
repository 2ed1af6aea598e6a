/**
 * One step of the exact search: all candidates over all chunks, group by group.
 *
 * A step of an order decided beforehand has one candidate, and the scores under the mask alone are
 * those of the candidate before it. Then one stream is enough: the model without both.
 */
import { aggregate, type ChunkScore } from '../eval/perplexity.ts';
import { walkOf } from '../model/walk.ts';
import { appendAll } from './appendAll.ts';
import { stepWork, walkWork } from './blockPasses.ts';
import type { ScoredCandidate, StepOutcome } from './events.ts';
import type { GroupRecord } from './journalRecords.ts';
import { bestOf, namesThese, outOfPlace, scoredAlone, type StepInput, type StepMeasurement } from './measureStep.ts';
import type { Priced, PricingJob } from './pricing/pricer.ts';

export class ExactStep implements StepMeasurement {
  readonly #input: StepInput;
  /** Scores under the mask alone, where they need not be measured. */
  readonly #known: readonly ChunkScore[] | null;
  /** Under the mask alone: [chunk]. */
  readonly #base: ChunkScore[] = [];
  /** [candidate][chunk] */
  readonly #scores: readonly ChunkScore[][];
  #chunkPasses = 0;

  /**
   * @param known scores of all chunks under the mask alone, where an earlier step found them and
   * there is one candidate.
   * @throws FormatError where the journal's records of the step are not this step's.
   */
  constructor(input: StepInput, known: readonly ChunkScore[] | null = null) {
    this.#input = input;
    this.#known = known;
    this.#scores = input.candidates.map(() => []);
    for (const record of input.journal.groups(input.step)) this.#take(record);
  }

  next(): PricingJob | null {
    const { chunks, mask, candidates, pricer } = this.#input;
    const from = this.#base.length;
    const count = Math.min(pricer.groupSize, chunks.ids.length - from);
    if (count === 0) return null;
    const group = Array.from({ length: count }, (_, at) => from + at);
    if (this.#known === null) return { mask, candidates, chunks: group };
    return { mask: mask.with(candidates[0].blocks), candidates: [], chunks: group };
  }

  async add({ chunks }: PricingJob, priced: Priced): Promise<void> {
    const { journal, step, candidates } = this.#input;
    const [from, to] = [chunks[0], chunks[0] + chunks.length];
    const known = this.#known?.slice(from, to);
    const record: GroupRecord = {
      type: 'group',
      step,
      from,
      to,
      seconds: priced.seconds,
      passes: priced.chunkPasses,
      candidates: candidates.map(({ name }) => name),
      base: known ?? priced.base,
      scores: known === undefined ? priced.scores : [priced.base],
    };
    await journal.addGroup(record);
    this.#take(record);
  }

  work(): { done: number; ahead: number; perChunk: number } {
    const done = this.#base.length;
    return { done, ahead: this.#input.chunks.ids.length - done, perChunk: 1 };
  }

  best(job: ReadonlyMap<string, readonly ChunkScore[]>): { name: string; ppl: number } | null {
    const scored = this.#base.length > 0 ? this.#scored() : scoredAlone(this.#input, job);
    return bestOf(scored, this.#input.metric);
  }

  outcome(): StepOutcome {
    const { model, chunks, mask, candidates } = this.#input;
    const work =
      this.#known === null
        ? stepWork(walkOf(model.config, mask), candidates, this.#chunkPasses, chunks)
        : walkWork(walkOf(model.config, mask.with(candidates[0].blocks)), this.#chunkPasses, chunks);
    return { base: this.#base, scored: this.#scored(), work, scores: this.#scores };
  }

  #scored(): ScoredCandidate[] {
    const { chunks, candidates } = this.#input;
    return candidates.map(({ name, blocks }, index) => {
      return { name, blocks, perplexity: aggregate(chunks, this.#scores[index]) };
    });
  }

  /** Counts a group in; those of a step follow each other without gaps. */
  #take(record: GroupRecord): void {
    const { chunks, candidates, journal } = this.#input;
    const follows = record.from === this.#base.length && record.to <= chunks.ids.length;
    if (!follows || !namesThese(record, candidates)) throw outOfPlace(record, journal);
    appendAll(this.#base, record.base);
    for (const [candidate, scores] of record.scores.entries()) appendAll(this.#scores[candidate], scores);
    this.#chunkPasses += record.passes;
  }
}
