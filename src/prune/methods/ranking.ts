/**
 * Methods that score every candidate once and then remove them in the order of their scores, lowest
 * first. Ties go to the earlier one in BlockPruner's order; a score that is NaN goes last.
 * Perplexity is measured after each removal, by the search, but decides nothing.
 */
import { NonFiniteError, UsageError } from '../../errors.ts';
import { plural } from '../../drawing/numbers.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { Candidate } from '../candidates.ts';
import type { Method, Subject, Telling } from '../method.ts';
import { readSettings, type Defaults } from './settings.ts';

/** What stands in such a method's file. */
export interface Ranking<Own extends Defaults> extends Pick<
  Method,
  'name' | 'summary' | 'paper' | 'needs' | 'scoring'
> {
  /** The method's own settings; `plus` is added. */
  readonly defaults: Own;
  /** Default `1`. */
  readonly version?: string;
  /** A score for each of the subject's candidates, in their order; the lowest goes first. */
  score(subject: Subject, settings: Own): Telling<number[]> | number[];
}

export interface Plus {
  /**
   * Never remove layers 0 to 3, nor the last two (Kim et al. 2024, the "+" of Taylor+ and Mag+).
   */
  readonly plus: boolean;
}

/** The first layers, and the last ones, that `plus` keeps. */
const KEPT_FIRST = 4;
const KEPT_LAST = 2;

export function rankingMethod<Own extends Defaults>(ranking: Ranking<Own>): Method<Own & Plus> {
  const { name, summary, paper, needs, scoring, version = '1' } = ranking;
  return {
    name,
    summary,
    paper,
    needs,
    scoring,
    version,
    check(given, config) {
      const settings = readSettings(name, { ...ranking.defaults, plus: false }, given);
      if (settings.plus) requireLayersBetween(config);
      return settings;
    },
    async *run(subject, settings, stop) {
      const may = subject.candidates.filter(
        (candidate) => !settings.plus || isBetween(candidate, subject.model.config),
      );
      const removable = may.reduce((sum, { blocks }) => sum + blocks.length, 0);
      if (stop.blocks !== undefined && stop.blocks > removable) {
        throw new UsageError(`--blocks ${stop.blocks}: --plus leaves ${removable} blocks to remove.`);
      }
      const found = ranking.score(subject, settings);
      const scores = Array.isArray(found) ? found : yield* found;
      requireAll(name, scores, subject.candidates);
      yield* tell(subject.candidates, scores);
      const scoreOf = new Map(subject.candidates.map((candidate, index) => [candidate, scores[index]]));
      const order = rank(
        may,
        may.map((candidate) => scoreOf.get(candidate) ?? NaN),
      );
      const mask = yield* subject.search({ stop, order });
      return [{ type: 'remove', blocks: mask.blocks }];
    },
  };
}

/** Candidates by ascending score; those without one, NaN, last; equals as they stood. */
export function rank(candidates: readonly Candidate[], scores: readonly number[]): Candidate[] {
  return candidates
    .map((candidate, index) => ({ candidate, score: scores[index] }))
    .toSorted((a, b) => {
      if (Number.isNaN(a.score) || Number.isNaN(b.score))
        return Number(Number.isNaN(a.score)) - Number(Number.isNaN(b.score));
      return a.score < b.score ? -1 : a.score > b.score ? 1 : 0;
    })
    .map(({ candidate }) => candidate);
}

/** @throws UsageError for a method that did not score each candidate. */
function requireAll(method: string, scores: readonly number[], candidates: readonly Candidate[]): void {
  if (scores.length === candidates.length) return;
  throw new UsageError(`method ${method} scored ${scores.length} of ${candidates.length} candidates.`);
}

/** @throws NonFiniteError where no candidate has a score: there is no order then. */
async function* tell(candidates: readonly Candidate[], scores: readonly number[]): Telling<void> {
  const lost = candidates.filter((_, index) => Number.isNaN(scores[index]));
  if (lost.length === candidates.length) throw new NonFiniteError('the score of every block is NaN.');
  for (const { name } of lost) yield { type: 'warning', message: `the score of ${name} is NaN: it goes last.` };
  yield { type: 'scored', scores: candidates.map(({ name }, index) => ({ block: name, score: scores[index] })) };
}

function isBetween({ blocks }: Candidate, { layers }: ModelConfig): boolean {
  return blocks.every(({ layer }) => layer >= KEPT_FIRST && layer < layers.length - KEPT_LAST);
}

/** @throws UsageError where `plus` leaves nothing to remove. */
function requireLayersBetween({ layers }: ModelConfig): void {
  if (layers.length > KEPT_FIRST + KEPT_LAST) return;
  throw new UsageError(
    `--plus keeps layers 0 to ${KEPT_FIRST - 1} and the last ${KEPT_LAST}, and the model has ${plural(layers.length, 'layer')}: nothing is left to remove.`,
  );
}
