/**
 * BlockPruner's greedy search (Zhong et al. 2025, §3.3): in every step, the block whose removal
 * leaves the lowest perplexity goes, until a stop rule is met. Scores are taken afresh in each
 * step, on top of what is already gone.
 *
 * The search is a generator of events. The journal, the progress bar, a web page and the specs all
 * live on the same ones; nothing else comes out of it.
 */
import { FormatError, UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { requireFiniteLoss, requireFinitePerplexity } from '../eval/nonFinite.ts';
import { aggregate, scoreChunk, type ChunkScore, type Perplexity } from '../eval/perplexity.ts';
import { Mask } from '../model/mask.ts';
import type { ParameterCounts } from '../model/parameters.ts';
import type { Transformer } from '../model/transformer.ts';
import { walkOf } from '../model/walk.ts';
import { appendAll } from './appendAll.ts';
import { stepWork } from './blockPasses.ts';
import {
  candidatesLeft,
  checkOrder,
  checkStopRules,
  type Candidate,
  type PruneKind,
  type StopRules,
} from './candidates.ts';
import type { ScoredCandidate, SearchEvent, StepOutcome } from './events.ts';
import type { Journal } from './journal.ts';
import { OTHER_OUT, type GroupRecord } from './journalRecords.ts';
import type { RaceSettings } from './race/raceRule.ts';
import { planBundle } from './pricing/plan.ts';
import { raceStep, ranking, type RaceStepInput } from './race/raceStep.ts';
import { ratios } from './ratios.ts';
import { GroupCheckpoints } from './pricing/checkpoints.ts';
import { sweep } from './pricing/sweep.ts';

export interface SearchSettings {
  kind: PruneKind;
  stop: StopRules;
  /**
   * An order of removal decided beforehand: each step prices and removes its next entry. Without
   * it each step prices all candidates of `kind` and removes the best.
   */
  order?: readonly Candidate[];
  /**
   * Chunks a sweep carries at once: as many as the memory budget holds streams for. Does not
   * change any result.
   */
  groupSize: number;
  /**
   * For streams kept from step to step (checkpoints.ts); default 0. Does not change any result.
   */
  checkpointBytes?: number;
  /**
   * Drop candidates before they have seen all chunks (racing.md); without it every candidate sees
   * all.
   */
  race?: RaceSettings;
}

/**
 * Runs the search, taking what the journal already holds from there.
 * @throws UsageError for stop rules that do not fit, or a race over an order; MaskError for an
 * order that names a block twice or one that is not there; FormatError for a journal whose
 * candidates are not this search's; NonFiniteError where the dense model's loss is not finite,
 * saying where that begins.
 */
export async function* search(
  model: Transformer,
  chunks: Chunks,
  counts: ParameterCounts,
  settings: SearchSettings,
  journal: Journal,
): AsyncGenerator<SearchEvent, void> {
  const { stop, kind, order, race } = settings;
  checkStopRules(stop, kind, model.config);
  if (order !== undefined) {
    checkOrder(order, model.config);
    if (race !== undefined) throw new UsageError('a race chooses among candidates; an order leaves no choice.');
  }
  yield { type: 'start', blocks: walkOf(model.config).length, chunks: chunks.ids.length };
  const groups = Math.ceil(chunks.ids.length / settings.groupSize);
  const kept = new GroupCheckpoints(model.backend, (settings.checkpointBytes ?? 0) / groups);
  try {
    yield* steps(model, chunks, counts, settings, journal, kept);
  } finally {
    kept.free();
  }
}

async function* steps(
  model: Transformer,
  chunks: Chunks,
  counts: ParameterCounts,
  settings: SearchSettings,
  journal: Journal,
  kept: GroupCheckpoints,
): AsyncGenerator<SearchEvent, void> {
  const { stop, kind, order, groupSize } = settings;
  let mask = Mask.empty;
  let before: RaceStepInput['before'] = null;
  for (let step = 1; ; step++) {
    const candidates = order?.slice(step - 1, step) ?? candidatesLeft(kind, model.config, mask);
    if (candidates.length === 0) return yield { type: 'done', mask, stoppedBy: 'no candidate left' };

    const outcome: StepOutcome =
      settings.race === undefined
        ? yield* exactStep(model, chunks, settings, journal, kept, step, mask, candidates)
        : yield* raceStep({ model, chunks, race: settings.race, groupSize, journal, step, mask, candidates, before });
    const { base, scored, work, race } = outcome;
    if (step === 1) yield { type: 'dense', perplexity: await densePerplexity(model, chunks, base) };
    yield { type: 'measured', step, work };
    before = { ranking: ranking(scored), effect: outcome.effect ?? null };
    const finalists = scored.filter(({ dropped }) => dropped === undefined);
    const best = lowest(finalists);
    const event = { type: 'step', step, candidates: scored, work, ...(race === undefined ? {} : { race }) } as const;
    if (best === null) {
      await journal.addStep(step, null, NaN);
      yield { ...event, removed: null, runnerUp: null, ratios: ratios(counts, mask) };
      // Nothing went, so the next step would find the same: the search cannot go on.
      return yield { type: 'done', mask, stoppedBy: 'no finite candidate' };
    }
    if (stop.maxPpl !== undefined && best.perplexity.ppl > stop.maxPpl) {
      return yield { type: 'done', mask, stoppedBy: 'max-ppl' };
    }
    mask = mask.with(best.blocks);
    await journal.addStep(step, best.name, best.perplexity.ppl);
    const reached = ratios(counts, mask);
    yield { ...event, removed: best, runnerUp: lowest(finalists.filter((c) => c !== best)), ratios: reached };
    if (stop.blocks !== undefined && mask.size >= stop.blocks) return yield { type: 'done', mask, stoppedBy: 'blocks' };
    if (stop.ratio !== undefined && reached[stop.ratioOf ?? 'total'] >= stop.ratio)
      return yield { type: 'done', mask, stoppedBy: 'ratio' };
  }
}

/** @throws NonFiniteError where it is not finite: no search over such a model means anything. */
async function densePerplexity(model: Transformer, chunks: Chunks, scores: readonly ChunkScore[]): Promise<Perplexity> {
  await requireFiniteLoss(model, chunks, Mask.empty, scores);
  const dense = aggregate(chunks, scores);
  requireFinitePerplexity(model.source.name, dense);
  return dense;
}

/**
 * The first candidate with the strictly lowest perplexity, as the official loop finds it: start at
 * +∞, keep on `<`. So a tie goes to the earlier one, and NaN and +∞ never win; null when nothing
 * does.
 */
export function lowest<T extends { perplexity: { ppl: number } }>(scored: readonly T[]): T | null {
  let best: T | null = null;
  for (const candidate of scored) {
    if (candidate.perplexity.ppl < (best === null ? Infinity : best.perplexity.ppl)) best = candidate;
  }
  return best;
}

/**
 * All candidates over all chunks: from the journal where it has them, else by sweeps over groups.
 */
async function* exactStep(
  model: Transformer,
  chunks: Chunks,
  settings: SearchSettings,
  journal: Journal,
  kept: GroupCheckpoints,
  step: number,
  mask: Mask,
  candidates: readonly Candidate[],
): AsyncGenerator<SearchEvent, StepOutcome> {
  const total = chunks.ids.length;
  const base: ChunkScore[] = [];
  const scores: ChunkScore[][] = candidates.map(() => []);
  let passes = 0;
  const take = (group: GroupRecord): void => {
    takeGroup(group, journal.placeOf(group), total, candidates, base, scores);
    passes += group.passes;
  };
  for (const group of journal.groups(step)) take(group);
  const started = performance.now();
  const recorded = base.length;
  while (base.length < total) {
    const from = base.length;
    const to = Math.min(total, from + settings.groupSize);
    const best = bestSoFar(chunks, candidates, scores);
    const groupStart = performance.now();
    const streams = planBundle(model, chunks.chunk, candidates.length, settings.groupSize, to - from);
    const walk = sweep(model, chunks.ids.slice(from, to), mask, candidates, kept.of(from, to), streams);
    let next = await walk.next();
    try {
      for (; next.done !== true; next = await walk.next()) {
        const done = (next.value.passes / next.value.totalPasses) * (to - from);
        yield {
          type: 'progress',
          step,
          candidates: candidates.length,
          fraction: (from + done) / total,
          seconds: (performance.now() - started) / 1000,
          computed: (from - recorded + done) / total,
          best,
        };
      }
    } finally {
      // Whoever abandons the search abandons the sweep, which then frees its streams; a finished
      // one takes no notice.
      await walk.return(undefined as never);
    }
    const { value } = next;
    const group: GroupRecord = {
      type: 'group',
      step,
      from,
      to,
      seconds: (performance.now() - groupStart) / 1000,
      passes: value.passes * (to - from),
      candidates: candidates.map(({ name }) => name),
      base: value.base.map((nll, index) => scoreChunk(chunks, from + index, nll)),
      scores: value.candidates.map((rows) => rows.map((nll, index) => scoreChunk(chunks, from + index, nll))),
    };
    // The dense model must be sound; candidates need not be.
    if (step === 1) await requireFiniteLoss(model, chunks, mask, group.base, from);
    await journal.addGroup(group);
    take(group);
  }
  const scored = candidates.map(({ name, blocks }, index): ScoredCandidate => {
    return { name, blocks, perplexity: aggregate(chunks, scores[index]) };
  });
  const walk = walkOf(model.config, mask);
  return { base, scored, work: stepWork(walk, candidates, passes, chunks.chunk, total * chunks.chunk) };
}

/** Adds a group's scores; groups of a step follow each other without gaps. */
function takeGroup(
  group: GroupRecord,
  where: string,
  total: number,
  candidates: readonly Candidate[],
  base: ChunkScore[],
  scores: ChunkScore[][],
): void {
  const sameNames =
    group.candidates.length === candidates.length &&
    group.candidates.every((name, index) => name === candidates[index].name);
  if (group.from !== base.length || group.to > total || !sameNames) {
    throw new FormatError(`step ${group.step} of the journal does not follow from what comes before it.`, {
      where,
      remedy: OTHER_OUT,
    });
  }
  appendAll(base, group.base);
  for (const [index, chunkScores] of group.scores.entries()) appendAll(scores[index], chunkScores);
}

function bestSoFar(
  chunks: Chunks,
  candidates: readonly Candidate[],
  scores: readonly ChunkScore[][],
): { name: string; ppl: number } | null {
  if (scores[0].length === 0) return null;
  const ranked = candidates.map(({ name }, index) => ({ name, perplexity: aggregate(chunks, scores[index]) }));
  const best = lowest(ranked);
  return best === null ? null : { name: best.name, ppl: best.perplexity.ppl };
}
