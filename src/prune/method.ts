/**
 * The door for pruning methods. A method looks at a model through a `Subject`, tells what it finds
 * as events, and returns edits. Journal, resume, budget, document, report and command line are the
 * house's and serve every method alike: a new one is a file in methods/, a line in methods/all.ts
 * and a spec. `prune --method ./mine.ts` takes one from outside.
 */
import type { GradientBackend } from '../backends/gradients.ts';
import type { Chunks } from '../eval/chunks.ts';
import type { Perplexity } from '../eval/perplexity.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Edit } from '../model/edit.ts';
import type { Mask } from '../model/mask.ts';
import type { ParameterCounts } from '../model/parameters.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Candidate, PruneKind, StopRules } from './candidates.ts';
import type { RunPlan } from './cost/planTypes.ts';
import type { SearchEvent } from './events.ts';
import type { Kept } from './journalPiece.ts';
import type { Metric } from './lowest.ts';
import type { RaceSettings } from './race/raceRule.ts';
import type { RepairEvent } from '../repair/repair.ts';

/** When a method stops removing: at the first rule that is met. */
export type Budget = StopRules;

/** What a method works from: the calibration text, the activations between blocks, or gradients. */
export type Need = 'calibration' | 'taps' | 'gradients';

/**
 * A candidate's score under a method. What a score means, and which end goes first, the method
 * says.
 */
export interface BlockScore {
  /** `L5.mlp`, or in layer mode `L5.mha,L5.mlp`. */
  readonly block: string;
  readonly score: number;
}

export type MethodEvent =
  | SearchEvent
  /** What the run will take, told first; `done` steps are in the journal already. */
  | { readonly type: 'plan'; readonly plan: RunPlan; readonly done: number }
  /** How far a method is with its scores, 0 … 1. */
  | { readonly type: 'scoring'; readonly fraction: number }
  /** All scores, in the official order of candidates. */
  | { readonly type: 'scored'; readonly scores: readonly BlockScore[] }
  /** A block of the result was fitted, or keeps its weights. */
  | Extract<RepairEvent, { type: 'repaired' }>;

/** What is computed in steps that tell how far they are. */
export type Telling<T> = AsyncGenerator<MethodEvent, T>;

/** The model to prune, the text, and what the house does for a method. */
export interface Subject {
  readonly model: Transformer;
  readonly counts: ParameterCounts;
  /** The text, cut into chunks: what is calibrated on, and what perplexity is measured on. */
  readonly chunks: Chunks;
  readonly kind: PruneKind;
  /**
   * All that may be removed in one step, without protected blocks, in BlockPruner's order, which
   * decides ties.
   */
  readonly candidates: readonly Candidate[];
  /**
   * A backend that differentiates; it is the subject's to dispose.
   * @throws UnsupportedBackendError where there is none, or the method did not name the need.
   */
  gradients(): Promise<GradientBackend>;
  /**
   * Memory that outlives a killed run: computes a value once and keeps it in the journal under
   * `key`; a resumed run gets the same bits from there. Give each part of long work a key of its
   * own: a kill then loses one part at most. Keys must not depend on memory or threads.
   */
  once<T extends Kept>(key: string, compute: () => Promise<T> | Telling<T>): Telling<T>;
  /**
   * The perplexity without each candidate alone, by sweeps that the journal remembers group by
   * group.
   */
  price(candidates: readonly Candidate[]): Telling<Perplexity[]>;
  /**
   * BlockPruner's greedy search until the budget is met; or, with `order`, removal in that order,
   * perplexity being measured after each; or, with `leaders`, the greedy search that repairs so
   * many candidates in each step and chooses by their prices after that
   * (repair/chooseRepaired.ts); or, with `metric: 'kl'`, the one that goes by KL. It tells the
   * run's `dense`, `step` and `done`.
   * @returns what was removed.
   * @throws UsageError for `leaders` where the run has no repair.
   */
  search(settings: {
    stop: Budget;
    order?: readonly Candidate[];
    race?: RaceSettings;
    leaders?: number;
    metric?: Metric;
  }): Telling<Mask>;
}

export interface Method<Settings = unknown> {
  /** As `--method` takes it: small letters, digits and hyphens. */
  readonly name: string;
  /** One line: what goes first. */
  readonly summary: string;
  /** `Men et al. 2024, ShortGPT`; null for a control that no paper claims. */
  readonly paper: string | null;
  readonly needs: readonly Need[];
  /**
   * What its choice takes, for a plan of the run: a `search` in every step; or scores, once, by a
   * `sweep` over all candidates, a `walk` of the model, `gradients`, a look at the `weights`, or
   * `nothing`. Without it a plan says that it is left out.
   */
  readonly scoring?: 'search' | 'sweep' | 'walk' | 'gradients' | 'weights' | 'nothing';
  /**
   * To be changed when scores of the same settings change: no journal of before is gone on with.
   */
  readonly version: string;
  /**
   * The settings in full, defaults included, as JSON can hold them: they are part of the journal's
   * header.
   * @throws UsageError for one that the method does not have, or that does not fit the model.
   */
  check(given: Readonly<Record<string, unknown>>, config: ModelConfig): Settings;
  /** Prunes until a rule of the budget is met. */
  run(subject: Subject, settings: Settings, budget: Budget): Telling<readonly Edit[]>;
}
