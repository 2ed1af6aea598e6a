/** What a plan of a run says. */
import type { RowPasses } from '../events.ts';

/** One step, as far as it is known before. */
export interface PlannedStep {
  readonly step: number;
  readonly candidates: number;
  /** Row passes: a block on a token. */
  readonly passes: number;
  readonly flops: number;
  readonly seconds: number;
}

export interface Span {
  readonly least: number;
  readonly most: number;
}

export interface RunPlan {
  readonly tokens: number;
  readonly chunk: number;
  readonly chunks: number;
  /** Of the first step. */
  readonly candidates: number;
  readonly steps: Span;
  /** The search, step by step; as many as are likely. */
  readonly byStep: readonly PlannedStep[];
  /** Of the search in row passes. */
  readonly work: RowPasses;
  /** Of the whole run. */
  readonly flops: number;
  readonly seconds: {
    readonly firstStep: number;
    /** Scores of a method that scores once. */
    readonly scoring: number;
    readonly search: number;
    readonly evaluation: number;
    readonly sample: number;
    readonly total: number;
    /** For a race: from all dropping out at the first look to nobody ever doing so. */
    readonly span: Span | null;
  };
  /** What `--search race` would take, where this run does not race and could. */
  readonly race: Span | null;
  /** A bound on perplexity may stop the run sooner. */
  readonly atMost: boolean;
  readonly memory: {
    readonly weights: number;
    readonly activations: number;
    readonly kept: number;
    readonly total: number;
  };
  /** Parts of the run that the figures leave out. */
  readonly leftOut: readonly string[];
  /** Seconds that the measurement took. */
  readonly measured: number;
}
