/**
 * BlockPruner's greedy search (Zhong et al. 2025, §3.3): in every step, the block whose removal
 * leaves the lowest perplexity goes, until a stop rule is met. Scores are taken afresh in each
 * step, on top of what is already gone.
 *
 * The search is a generator of events. The journal, the progress bar, a web page and the specs all
 * live on the same ones; nothing else comes out of it.
 */
import { UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { requireFiniteLoss, requireFinitePerplexity } from '../eval/nonFinite.ts';
import { pairedDifference } from '../eval/paired.ts';
import { aggregate, type ChunkScore, type Perplexity } from '../eval/perplexity.ts';
import { Mask } from '../model/mask.ts';
import { countParameters } from '../model/parameters.ts';
import type { Transformer } from '../model/transformer.ts';
import { walkOf } from '../model/walk.ts';
import {
  candidatesLeft,
  checkOrder,
  checkStopRules,
  type Candidate,
  type PruneKind,
  type StopRules,
} from './candidates.ts';
import type { Choice, Choose, SearchEvent, StepEvent, StepOutcome, ScoredCandidate } from './events.ts';
import { ExactStep } from './exactStep.ts';
import { lowest, type Metric } from './lowest.ts';
import { nothingProtected, type Protected } from './protect.ts';
import { measureStep, type SearchInput, type StepMeasurement } from './measureStep.ts';
import type { RaceSettings } from './race/raceRule.ts';
import { RaceStep, ranking, type StepBefore } from './race/raceStep.ts';
import { ratios } from './ratios.ts';

export interface SearchSettings {
  kind: PruneKind;
  stop: StopRules;
  /** Blocks that are never candidates. */
  kept?: Protected;
  /**
   * An order of removal decided beforehand: each step prices and removes its next entry. Without
   * it each step prices all candidates of `kind` and removes the best.
   */
  order?: readonly Candidate[];
  /**
   * What the search goes by; default `ppl`. For `kl` the pricer must measure it. Stop rules,
   * differences and near-ties stay those of perplexity.
   */
  metric?: Metric;
  /**
   * Drop candidates before they have seen all chunks (racing.md); without it every candidate sees
   * all.
   */
  race?: RaceSettings;
  /**
   * Repair in the loop: the pricer prices on top of the repaired model, and this chooses among the
   * candidates by their prices after repair. Without it the lowest plain price goes.
   */
  choose?: Choose;
}

/**
 * Runs the search, taking what the journal already holds from there.
 * @throws UsageError for stop rules that do not fit, or a race over an order; MaskError for an
 * order that names a block twice or one that is not there; FormatError for a journal whose
 * candidates are not this search's; NonFiniteError where the dense model's loss is not finite,
 * saying where that begins.
 */
export async function* search(input: SearchInput, settings: SearchSettings): AsyncGenerator<SearchEvent, void> {
  const { model, chunks, journal } = input;
  const { stop, kind, order, race, choose, metric, kept = nothingProtected } = settings;
  checkSettings(model, settings);
  yield { type: 'start', blocks: walkOf(model.config).length, chunks: chunks.ids.length };
  const counts = countParameters(model.source);
  let mask = Mask.empty;
  let before: StepBefore | null = null;
  /** Under the mask alone, where the step before has measured them. */
  let known: readonly ChunkScore[] | null = null;
  let dense: readonly ChunkScore[] = [];
  let densePpl = NaN;
  for (let step = 1; ; step++) {
    const candidates = order?.slice(step - 1, step) ?? candidatesLeft(kind, model.config, mask, kept);
    if (candidates.length === 0) return yield { type: 'done', mask, stoppedBy: 'no candidate left' };

    const ofStep = { ...input, step, mask, candidates, metric };
    const measurement: StepMeasurement =
      race === undefined ? new ExactStep(ofStep, known) : new RaceStep(ofStep, race, before);
    const outcome: StepOutcome = yield* measureStep(ofStep, measurement);
    const { scored, work } = outcome;
    if (step === 1) {
      dense = outcome.base;
      const perplexity = await densePerplexity(model, chunks, dense);
      densePpl = perplexity.ppl;
      yield { type: 'dense', perplexity };
    }
    yield { type: 'measured', step, work };
    before = { ranking: ranking(scored), effect: outcome.effect ?? null };
    // With one candidate a step, what the model is without it is what the next step begins with.
    if (order !== undefined) [known] = outcome.scores;

    const choice = choose === undefined ? choosePlain(outcome, metric) : yield* choose({ step, mask, outcome });
    const { best, runnerUp, ppl } = choice;
    const measured = { step, candidates: scored, work, ...kindOfStep(settings, outcome, choice) };
    if (best === null) {
      await journal.addStep(step, null, NaN);
      const nothing = { removed: null, runnerUp: null, scores: [], change: null, margin: null };
      yield { type: 'step', ...measured, ...nothing, ratios: ratios(counts, mask) };
      // Nothing went, so the next step would find the same: the search cannot go on.
      return yield { type: 'done', mask, stoppedBy: 'no finite candidate' };
    }
    if (stop.maxPpl !== undefined && ppl > stop.maxPpl) {
      return yield { type: 'done', mask, stoppedBy: 'max-ppl' };
    }
    if (stop.maxIncrease !== undefined && ppl > densePpl * (1 + stop.maxIncrease / 100)) {
      return yield { type: 'done', mask, stoppedBy: 'max-increase' };
    }
    mask = mask.with(best.blocks);
    await journal.addStep(step, best.name, ppl);
    const reached = ratios(counts, mask);
    const change = pairedDifference(chunks, choice.scores.best, dense);
    const margin = runnerUp === null ? null : pairedDifference(chunks, choice.scores.runnerUp, choice.scores.best);
    const { best: scores } = choice.scores;
    yield { type: 'step', ...measured, removed: best, runnerUp, scores, change, margin, ratios: reached };
    const isMet = (rule: number | undefined, value: number): boolean => rule !== undefined && value >= rule;
    if (isMet(stop.blocks, mask.size)) return yield { type: 'done', mask, stoppedBy: 'blocks' };
    if (isMet(stop.ratio, reached[stop.ratioOf ?? 'total'])) return yield { type: 'done', mask, stoppedBy: 'ratio' };
  }
}

/** BlockPruner's choice: the lowest of those that were measured on all chunks. */
function choosePlain({ scored, scores }: StepOutcome, metric: Metric = 'ppl'): Choice {
  const finalists = scored.filter(({ dropped }) => dropped === undefined);
  const best = lowest(finalists, metric);
  const runnerUp = lowest(
    finalists.filter((candidate) => candidate !== best),
    metric,
  );
  const scoresOf = (candidate: ScoredCandidate | null): readonly ChunkScore[] =>
    candidate === null ? [] : scores[scored.indexOf(candidate)];
  return {
    best,
    runnerUp,
    ppl: best?.perplexity.ppl ?? NaN,
    scores: { best: scoresOf(best), runnerUp: scoresOf(runnerUp) },
  };
}

/** What a step tells beside its candidates, where the search races or repairs. */
function kindOfStep(
  { race }: SearchSettings,
  outcome: StepOutcome,
  { repair }: Choice,
): Pick<StepEvent, 'race' | 'repair'> {
  return { ...(race === undefined ? {} : { race: outcome.race }), ...(repair === undefined ? {} : { repair }) };
}

function checkSettings(
  { config }: Transformer,
  { stop, kind, order, race, choose, metric, kept }: SearchSettings,
): void {
  checkStopRules(stop, kind, config, kept);
  if (metric === 'kl' && (race !== undefined || order !== undefined || choose !== undefined)) {
    throw new UsageError('a search by KL chooses among candidates that were measured on all chunks, as they are.', {
      remedy: 'Leave out the race, the order, or the repair.',
    });
  }
  if (choose !== undefined && (race !== undefined || order !== undefined)) {
    throw new UsageError('repair in the loop chooses among candidates that were measured on all chunks.', {
      remedy: 'Leave out the race, or the order.',
    });
  }
  if (order === undefined) return;
  checkOrder(order, config, kept);
  if (race !== undefined) throw new UsageError('a race chooses among candidates; an order leaves no choice.');
}

/**
 * @throws NonFiniteError where it is not finite: no search over such a model means anything.
 */
async function densePerplexity(model: Transformer, chunks: Chunks, scores: readonly ChunkScore[]): Promise<Perplexity> {
  await requireFiniteLoss(model, chunks, Mask.empty, scores);
  const dense = aggregate(chunks, scores);
  requireFinitePerplexity(model.source.name, dense);
  return dense;
}
