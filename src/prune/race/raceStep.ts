/**
 * One step of the search as a race: sweeps over ever fewer candidates, chunk by chunk in random
 * order.
 */
import { FormatError } from '../../errors.ts';
import type { Chunks } from '../../eval/chunks.ts';
import { requireFiniteLoss } from '../../eval/nonFinite.ts';
import { aggregate, scoreChunk, type ChunkScore } from '../../eval/perplexity.ts';
import type { Mask } from '../../model/mask.ts';
import type { Transformer } from '../../model/transformer.ts';
import { walkOf } from '../../model/walk.ts';
import { appendAll } from '../appendAll.ts';
import { stepWork, sweepPasses } from '../blockPasses.ts';
import type { Candidate } from '../candidates.ts';
import type { ScoredCandidate, SearchEvent, StepOutcome, StepRace } from '../events.ts';
import type { Journal } from '../journal.ts';
import { OTHER_OUT, type RaceRecord } from '../journalRecords.ts';
import { planBundle } from '../pricing/plan.ts';
import { Race } from './race.ts';
import { raceOrder, type DesignEffect, type RaceSettings } from './raceRule.ts';
import { segmentNats, segmentShares } from './raceSegments.ts';
import { sweep } from '../pricing/sweep.ts';

export interface RaceStepInput {
  model: Transformer;
  chunks: Chunks;
  race: RaceSettings;
  groupSize: number;
  journal: Journal;
  step: number;
  mask: Mask;
  candidates: readonly Candidate[];
  /**
   * Of the last step: its candidates, best first, and the design effect it found. Null in a first
   * step.
   */
  before: { ranking: readonly string[]; effect: DesignEffect | null } | null;
}

/** Runs or resumes one step. @throws FormatError when the journal holds another race. */
export async function* raceStep(input: RaceStepInput): AsyncGenerator<SearchEvent, StepOutcome> {
  const { model, chunks, journal, step, mask, candidates } = input;
  const total = chunks.ids.length;
  const order = raceOrder(total, input.race.seed, step);
  const walk = walkOf(model.config, mask);
  const race = new Race({
    candidates: candidates.length,
    population: total,
    confidence: input.race.confidence,
    margin: 2 * model.backend.perplexityNoise,
    places: input.before === null ? null : placesOf(candidates, input.before.ranking),
    effect: input.before?.effect ?? null,
  });
  const scores: ChunkScore[][] = candidates.map(() => []);
  const base: ChunkScore[] = [];
  const looks: StepRace['looks'] = [];
  let passes = 0;

  const take = (record: RaceRecord): void => {
    checkRecord(record, journal.placeOf(record), race, candidates, order);
    const { alive } = race;
    passes += record.passes;
    appendAll(base, record.base);
    for (const [row, candidate] of alive.entries()) appendAll(scores[candidate], record.scores[row]);
    for (const [at, chunk] of record.chunks.entries()) {
      race.add(segmentShares(chunks, chunk), (candidate) => {
        const row = alive.indexOf(candidate);
        const { nats, targets } = record.scores[row][at];
        // No target that counts makes a mean of 0/0, as in exact mode.
        const finite = Number.isFinite(nats / targets);
        return finite ? Float64Array.from(record.segments[row][at], (part) => part / targets) : null;
      });
    }
    const dropped = race.look().map((candidate) => candidates[candidate].name);
    if (dropped.length > 0) looks.push({ chunks: race.seen, candidates: alive.length, dropped });
  };

  for (const record of journal.races(step)) take(record);
  const started = performance.now();
  const recorded = passes;
  // A first step also measures the dense model, whatever becomes of the candidates.
  const fewest = step === 1 ? 0 : 1;
  while (race.seen < total && race.alive.length >= fewest) {
    const from = race.seen;
    const to = Math.min(race.nextLook, from + input.groupSize);
    const inRace = race.alive.map((candidate) => candidates[candidate]);
    const ahead = (total - from) * sweepPasses(walk, inRace);
    const best = bestSoFar(chunks, order, race, candidates, scores);
    const seen = order.slice(from, to);
    const groupStart = performance.now();
    const sweeping = sweep(
      model,
      seen.map((chunk) => chunks.ids[chunk]),
      mask,
      inRace,
      undefined,
      planBundle(model, chunks.chunk, inRace.length, input.groupSize, seen.length),
    );
    let next = await sweeping.next();
    try {
      for (; next.done !== true; next = await sweeping.next()) {
        const done = passes + next.value.passes * (to - from);
        yield {
          type: 'progress',
          step,
          candidates: inRace.length,
          fraction: done / (passes + ahead),
          seconds: (performance.now() - started) / 1000,
          computed: (done - recorded) / (passes + ahead),
          best,
        };
      }
    } finally {
      await sweeping.return(undefined as never);
    }
    const { value } = next;
    const record: RaceRecord = {
      type: 'race',
      step,
      from,
      to,
      chunks: seen,
      seconds: (performance.now() - groupStart) / 1000,
      passes: value.passes * (to - from),
      candidates: inRace.map(({ name }) => name),
      base: value.base.map((nll, at) => scoreChunk(chunks, seen[at], nll)),
      scores: value.candidates.map((rows) => rows.map((nll, at) => scoreChunk(chunks, seen[at], nll))),
      segments: value.candidates.map((rows) => rows.map((nll, at) => segmentNats(chunks, seen[at], nll))),
    };
    if (step === 1) {
      for (const [at, chunk] of seen.entries()) await requireFiniteLoss(model, chunks, mask, [record.base[at]], chunk);
    }
    await journal.addRace(record);
    take(record);
  }

  return {
    base: inChunkOrder(base, order),
    scored: scoredOf(chunks, order, candidates, scores),
    work: stepWork(walk, candidates, passes, chunks.chunk, total * chunks.chunk),
    race: { looks, survivors: race.alive.length },
    effect: race.effect,
  };
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

/**
 * Perplexities: exact mode's to the last bit for those that saw all chunks, else over what they
 * saw.
 */
function scoredOf(
  chunks: Chunks,
  order: readonly number[],
  candidates: readonly Candidate[],
  scores: readonly ChunkScore[][],
): ScoredCandidate[] {
  const whole = scores.filter((own) => own.length === order.length);
  const perplexities = scores.map((own) => aggregate(chunks, inChunkOrder(own, order)));
  const picked = whole.reduce<ChunkScore[] | null>((best, own) => {
    const ppl = aggregate(chunks, inChunkOrder(own, order)).ppl;
    return ppl < (best === null ? Infinity : aggregate(chunks, inChunkOrder(best, order)).ppl) ? own : best;
  }, null);
  return candidates.map(({ name, blocks }, index): ScoredCandidate => {
    const seen = scores[index].length;
    const perplexity = perplexities[index];
    if (seen === order.length) return { name, blocks, perplexity };
    const same = picked === null ? NaN : aggregate(chunks, inChunkOrder(picked.slice(0, seen), order)).ppl;
    return { name, blocks, perplexity, dropped: { chunks: seen, againstPick: perplexity.ppl / same } };
  });
}

/**
 * Scores of the first chunks of a race, by the chunks' own order, in which exact mode adds them
 * up.
 */
function inChunkOrder(scores: readonly ChunkScore[], order: readonly number[]): ChunkScore[] {
  return Array.from(scores.keys())
    .toSorted((a, b) => order[a] - order[b])
    .map((visit) => scores[visit]);
}

function bestSoFar(
  chunks: Chunks,
  order: readonly number[],
  race: Race,
  candidates: readonly Candidate[],
  scores: readonly ChunkScore[][],
): { name: string; ppl: number } | null {
  if (race.seen === 0) return null;
  let best: { name: string; ppl: number } | null = null;
  for (const candidate of race.alive) {
    const { ppl } = aggregate(chunks, inChunkOrder(scores[candidate], order));
    if (ppl < (best?.ppl ?? Infinity)) best = { name: candidates[candidate].name, ppl };
  }
  return best;
}

/** A record must be what this race would do next. */
function checkRecord(
  record: RaceRecord,
  where: string,
  race: Race,
  candidates: readonly Candidate[],
  order: readonly number[],
): void {
  const names = race.alive.map((candidate) => candidates[candidate].name);
  const follows =
    record.from === race.seen &&
    record.to <= race.nextLook &&
    record.chunks.every((chunk, at) => chunk === order[record.from + at]) &&
    record.candidates.length === names.length &&
    record.candidates.every((name, index) => name === names[index]);
  if (!follows) {
    throw new FormatError(`step ${record.step} of the journal does not follow from what comes before it.`, {
      where,
      remedy: OTHER_OUT,
    });
  }
}
