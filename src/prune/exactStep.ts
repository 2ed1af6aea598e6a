/** One step of the exact search: all candidates over all chunks, group by group. */
import { aggregate, type ChunkScore } from '../eval/perplexity.ts';
import { walkOf } from '../model/walk.ts';
import { appendAll } from './appendAll.ts';
import { stepWork } from './blockPasses.ts';
import type { ScoredCandidate, StepOutcome } from './events.ts';
import type { GroupRecord } from './journalRecords.ts';
import { lowest } from './lowest.ts';
import { namesThese, outOfPlace, type StepInput, type StepMeasurement } from './measureStep.ts';
import type { Priced, PricingJob } from './pricing/pricer.ts';

export class ExactStep implements StepMeasurement {
  readonly #input: StepInput;
  /** Under the mask alone: [chunk]. */
  readonly #base: ChunkScore[] = [];
  /** [candidate][chunk] */
  readonly #scores: readonly ChunkScore[][];
  #chunkPasses = 0;

  /** @throws FormatError where the journal's records of the step are not this step's. */
  constructor(input: StepInput) {
    this.#input = input;
    this.#scores = input.candidates.map(() => []);
    for (const record of input.journal.groups(input.step)) this.#take(record);
  }

  next(): PricingJob | null {
    const { chunks, mask, candidates, pricer } = this.#input;
    const from = this.#base.length;
    const count = Math.min(pricer.groupSize, chunks.ids.length - from);
    if (count === 0) return null;
    return { mask, candidates, chunks: Array.from({ length: count }, (_, at) => from + at) };
  }

  async add({ candidates, chunks }: PricingJob, priced: Priced): Promise<void> {
    const { journal, step } = this.#input;
    const record: GroupRecord = {
      type: 'group',
      step,
      from: chunks[0],
      to: chunks[0] + chunks.length,
      seconds: priced.seconds,
      passes: priced.chunkPasses,
      candidates: candidates.map(({ name }) => name),
      base: priced.base,
      scores: priced.scores,
    };
    await journal.addGroup(record);
    this.#take(record);
  }

  work(): { done: number; ahead: number; perChunk: number } {
    const done = this.#base.length;
    return { done, ahead: this.#input.chunks.ids.length - done, perChunk: 1 };
  }

  best(): { name: string; ppl: number } | null {
    if (this.#base.length === 0) return null;
    const best = lowest(this.#scored());
    return best === null ? null : { name: best.name, ppl: best.perplexity.ppl };
  }

  outcome(): StepOutcome {
    const { model, chunks, mask, candidates } = this.#input;
    const work = stepWork(walkOf(model.config, mask), candidates, this.#chunkPasses, chunks);
    return { base: this.#base, scored: this.#scored(), work };
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
