/**
 * What a search tells while it runs, and the words it tells it in: candidates with their
 * perplexities, what a step came to, what it cost. The journal, the progress bar, the document, a
 * web page and the specs all live on these.
 */
import type { Convention, DataSummary } from '../eval/convention.ts';
import type { PairedDifference } from '../eval/paired.ts';
import type { ChunkScore, Perplexity } from '../eval/perplexity.ts';
import type { Mask } from '../model/mask.ts';
import type { Candidate } from './candidates.ts';
import type { DesignEffect } from './race/raceRule.ts';

/** A candidate with its perplexity on top of the current mask. */
export interface ScoredCandidate extends Candidate {
  perplexity: Perplexity;
  /**
   * Where a race dropped it: `perplexity` is over so many chunks only, and relates so to the
   * pick's on the same.
   */
  dropped?: { chunks: number; againstPick: number };
}

/** Work in row passes: one block on one token of one stream. */
export interface RowPasses {
  /**
   * In all parts of a resumed run. The rest of `exact` was saved: by checkpoints, or by dropping
   * candidates in a race.
   */
  done: number;
  /** What sweeps over all candidates and chunks from the first block on take. */
  exact: number;
  /** What every candidate's model from scratch takes. */
  naive: number;
}

/** How a step of `--search race` went. */
export interface StepRace {
  /** The comparisons that dropped candidates: after how many chunks, of how many, which. */
  looks: { chunks: number; candidates: number; dropped: string[] }[];
  /** Candidates that went on to all chunks; the pick is among them. */
  survivors: number;
}

/** The three senses in which papers say "pruning ratio" (all removed blocks with their norms). */
export interface Ratios {
  /**
   * Removed / all parameters, embeddings and head included, tied weights once: BlockPruner's
   * ratio.
   */
  total: number;
  /** Removed / parameters of all blocks. */
  blocks: number;
  /** Removed blocks / all blocks. */
  depth: number;
}

/** Why a search ended. */
export type StoppedBy = 'blocks' | 'ratio' | 'max-ppl' | 'max-increase' | 'no candidate left' | 'no finite candidate';

/** What a step's measurements come to. */
export interface StepOutcome {
  /** Under the mask alone: [chunk]. */
  base: ChunkScore[];
  /** All candidates, in order. */
  scored: ScoredCandidate[];
  /** Their scores, [candidate][chunk]; of one that a race dropped: none. */
  scores: readonly (readonly ChunkScore[])[];
  work: RowPasses;
  race?: StepRace;
  /** What a race found of how chunks scatter. */
  effect?: DesignEffect | null;
}

/** A leader of a step that repairs: without it, before and after the repair of what is left. */
export interface Leader extends Candidate {
  /** What made it a leader: its price on top of the repaired model that the step before left. */
  plain: Perplexity;
  /** Its price after repair, over all chunks: by this one is chosen. */
  perplexity: Perplexity;
  /** The same two over the chunks that no fit has seen; null where there are none. */
  heldOut: { plain: number; repaired: number } | null;
}

/** What repair in the loop adds to a step. */
export interface StepRepair {
  /** The candidates with the lowest plain prices, in the order of those. */
  leaders: Leader[];
  /** The leader that went; null where none has a finite price. */
  picked: Leader | null;
  runnerUp: Leader | null;
}

/** What a step chooses from. */
export interface ToChoose {
  step: number;
  /** What is gone already. */
  mask: Mask;
  outcome: StepOutcome;
}

/** What goes in a step. */
export interface Choice {
  /** Null where nothing can go. */
  best: ScoredCandidate | null;
  /** The second best, to tell near-ties. */
  runnerUp: ScoredCandidate | null;
  /** The perplexity that was decided by; NaN where nothing can go. */
  ppl: number;
  /** The scores that were decided by, [chunk]; none where there is no such candidate. */
  scores: { best: readonly ChunkScore[]; runnerUp: readonly ChunkScore[] };
  /** Only where the search repairs in the loop. */
  repair?: StepRepair;
}

export type Choose = (from: ToChoose) => AsyncGenerator<RepairProgressEvent, Choice>;

export interface SearchProgressEvent {
  type: 'progress';
  step: number;
  candidates: number;
  /** Share of this step's work that is done, 0 … 1, and whether it came from the journal. */
  fraction: number;
  /**
   * Seconds of computing in this step so far in this process, and the share of the step they
   * bought.
   */
  seconds: number;
  computed: number;
  /** Lowest perplexity so far over the chunks finished; null before the first group. */
  best: { name: string; ppl: number } | null;
}

export interface StepEvent {
  type: 'step';
  step: number;
  removed: ScoredCandidate | null;
  /** The second best, to tell near-ties. */
  runnerUp: ScoredCandidate | null;
  /**
   * The scores that it was chosen by, [chunk]: after repair where the search repairs in the loop.
   * None where nothing went.
   */
  scores: readonly ChunkScore[];
  /** How far `removed` lies from the dense model on the same chunks; null where nothing went. */
  change: PairedDifference | null;
  /** How far the runner-up lies from `removed` on the same chunks; null without one. */
  margin: PairedDifference | null;
  ratios: Ratios;
  candidates: ScoredCandidate[];
  work: RowPasses;
  /** Only where the search races. */
  race?: StepRace;
  /** Only where it repairs in the loop: then `removed` is the leader that is best after repair. */
  repair?: StepRepair;
  /** Only where the run has a text of `--eval` and something went. */
  evaluation?: EvaluatedStep;
}

/** A repair is under way, 0 … 1: of the result, or of what is left without a leader of a step. */
export interface RepairProgressEvent {
  type: 'repairing';
  leader: { step: number; name: string; index: number; of: number } | null;
  /** The block in hand: `L5.mlp`. */
  block: string;
  fraction: number;
}

/** A text is being measured, 0 … 1: the one of `--eval`, or the calibration text after a repair. */
export interface EvaluatingEvent {
  type: 'evaluating';
  fraction: number;
}

/** The dense model on the text of `--eval`, and what the text was. */
export interface EvaluatedDense {
  perplexity: Perplexity;
  data: DataSummary;
  convention: Convention;
  /** What each step's figure is of: the model as pruned, or repaired as the next step takes it. */
  of: 'pruned' | 'repaired';
}

/** The model that a step leaves, on the text of `--eval`. */
export interface EvaluatedStep {
  perplexity: Perplexity;
  /** Against the dense model on the same chunks. */
  change: PairedDifference;
}

export type SearchEvent =
  /** What the user should know of the run: an old journal's lines carry no checksums. */
  | { type: 'warning'; message: string }
  | { type: 'start'; blocks: number; chunks: number }
  | SearchProgressEvent
  | RepairProgressEvent
  | EvaluatingEvent
  /** `evaluation` only where the run has a text of `--eval`. */
  | { type: 'dense'; perplexity: Perplexity; evaluation?: EvaluatedDense }
  | StepEvent
  /** What a step took, also one whose pick a stop rule then refuses. */
  | { type: 'measured'; step: number; work: RowPasses }
  | { type: 'done'; mask: Mask; stoppedBy: StoppedBy };
