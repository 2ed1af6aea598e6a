/**
 * The result document: what `prune --json` prints and result.json holds. Versioned; a reader must
 * check `schema`. JSON has no NaN or Infinity: a perplexity that is not finite is null and `status`
 * says which it was.
 */

import type { Convention, DataSummary } from '../eval/convention.ts';
import type { ChangeFigures, NonFinite, PerplexityFigures } from '../eval/figures.ts';
import type { PruneKind, StopRules } from './candidates.ts';
import type { RowPasses, Ratios, StepRace, StoppedBy } from './events.ts';
import type { RepairDocument, RepairFigures } from '../repair/document.ts';
import type { Provenance } from './provenance.ts';
import type { RaceSettings } from './race/raceRule.ts';
import type { DecodeSpeed, ModelSize } from './gains.ts';
import type { Metric } from './lowest.ts';
import type { RepairTime } from './repair/settings.ts';

export const PRUNE_SCHEMA = 'blockpruner.prune/1';

/** A candidate's perplexity over all chunks; null with a status where it has none. */
export interface CandidateScore {
  /** `L5.mlp`, or in layer mode `L5.mha,L5.mlp`. */
  block: string;
  ppl: number | null;
  /** `dropped`: a race saw that it cannot win and did not measure it on all chunks. */
  status?: NonFinite | 'dropped';
  /** Mean KL divergence from the dense model, in nats; only where it was measured. */
  kl?: number | null;
  /** What a race saw of one that did not go on to all chunks. */
  seen?: {
    chunks: number;
    /** Over those chunks: not to be compared with a perplexity over others. */
    ppl: number | null;
    /**
     * `ppl` over the pick's on the same chunks; null where either is not finite or nothing was
     * picked.
     */
    againstPick: number | null;
  };
}

/**
 * A candidate's score under the method that ranked by it; null with a status where it is not
 * finite.
 */
export interface MethodScore {
  /** `L5.mlp`, or in layer mode `L5.mha,L5.mlp`. */
  block: string;
  score: number | null;
  status?: NonFinite;
}

export interface StepResult {
  step: number;
  /**
   * `L5.mlp`; in layer mode `L5.mha,L5.mlp`; null where every candidate was NaN or infinite and
   * nothing went.
   */
  removed: string | null;
  ppl: number | null;
  status?: NonFinite;
  standardError: number | null;
  bitsPerByte: number | null;
  /**
   * Mean KL divergence from the dense model in nats per token, chunks weighed as for `ppl`, and
   * like `ppl` before the repair of this step; only where it was measured (`--kl`).
   */
  kl?: number | null;
  /**
   * Against the dense model on the same chunks (after repair, where the step repairs), with the
   * error of that difference, which is far smaller than those of the two perplexities; documents
   * before 0.4 have none.
   */
  change?: ChangeFigures | null;
  /** The second best, and how far it lies above the pick; documents before 0.4 have none. */
  runnerUp?: { block: string; ppl: number; margin: ChangeFigures | null } | null;
  /** = ratios.total */
  ratio: number;
  ratios: Ratios;
  /**
   * Runner-up closer than the backend's noise, if any: the pick could be another on other hardware.
   */
  nearTie: { block: string; ppl: number } | null;
  /** All candidates in the order they were considered. */
  candidates: CandidateScore[];
  work: RowPasses;
  /** Only where the search raced. */
  race?: StepRace;
  /** Only with repair in the loop; `ppl` is then the price before the repair of this step. */
  repair?: StepRepairResult;
  /**
   * What the step leaves on the text of `--eval`, and its change against the dense model there;
   * only where the run has one and something went. `PruneResult.evaluation.of` says whether it is
   * the model as pruned or repaired.
   */
  evaluation?: PerplexityFigures & { change: ChangeFigures | null };
}

/** The text of `--eval`: by it nothing was chosen, and on it nothing was fitted. */
export interface RunEvaluation {
  data: DataSummary;
  convention: Convention;
  /** `repaired` where the steps repair (`--repair each`); else each step's model is as pruned. */
  of: 'pruned' | 'repaired';
  dense: PerplexityFigures;
}

/** A leader's price before and after its repair; null with a status where it is not finite. */
export interface LeaderResult {
  /** `L5.mlp`, or in layer mode `L5.mha,L5.mlp`. */
  block: string;
  /** Without it, on top of the repaired model of the step before: what made it a leader. */
  pruned: number | null;
  /** After the repair of what is left without it, over all chunks: what decides. */
  repaired: number | null;
  status?: NonFinite;
  /** Both over the chunks that no fit has seen; null where there are none. */
  heldOut: { pruned: number | null; repaired: number | null } | null;
}

/** A step's figures after repair: those of the leader that went. */
export interface StepRepairResult {
  ppl: number | null;
  status?: NonFinite;
  standardError: number | null;
  bitsPerByte: number | null;
  /** Over the chunks that no fit has seen; null where there are none. */
  heldOut: { pruned: number | null; repaired: number | null } | null;
  /** All that were repaired, lowest plain price first. */
  leaders: LeaderResult[];
}

/** The repair of a run's result; `prune --repair`. */
export interface PruneRepair extends RepairDocument {
  /** `end`: the result alone; `each`: every step chose by prices after repair. */
  when: RepairTime;
  /** On all chunks of the calibration text, as the perplexities of `steps` are. */
  whole: RepairFigures;
}

export interface PruneResult {
  schema: typeof PRUNE_SCHEMA;
  version: string;
  model: {
    /** Without the folders it lies in. */
    name: string;
    family: string;
    numHiddenLayers: number;
    /** Blocks that the model has. */
    blocks: number;
    /** Blocks that it did not have when the run began, `L5.mlp`; only where there are any. */
    absent?: string[];
    parameters: number;
    blockParameters: number;
    contentHash: string;
  };
  data: DataSummary;
  convention: Convention;
  /** What really ran: `simd (relaxed-fma, 8 lanes, 2 threads)`. */
  backend: string;
  /**
   * Which method pruned, with all its settings; documents before 0.3 have none and are
   * BlockPruner's.
   */
  method?: { name: string; settings: unknown };
  kind: PruneKind;
  /** Only where the search raced: each step's pick is the exact search's with this confidence. */
  race?: RaceSettings;
  /** What was chosen by, where it was not perplexity. */
  metric?: Exclude<Metric, 'ppl'>;
  stop: StopRules;
  /** Blocks that were never candidates, in the order of the walk; only where there are any. */
  protect?: string[];
  stoppedBy: StoppedBy;
  dense: PerplexityFigures;
  /** Only with a text of `--eval`; each step has its own figures of it. */
  evaluation?: RunEvaluation;
  /**
   * Only where the method scores once: all candidates in the official order; the lowest went first.
   */
  scores?: MethodScore[];
  /** Of all steps, and of one whose pick a stop rule refused. */
  work: RowPasses;
  steps: StepResult[];
  /** Blocks in the order of removal. */
  removed: string[];
  /**
   * Only where the result was repaired: what was fitted, and the perplexities after. `steps` are
   * before repair, but for what each says of it itself.
   */
  repair?: PruneRepair;
  /**
   * A continuation of the data's own opening words, dense and pruned (`repaired` where the result
   * was), drawn at temperature 0.6 with a fixed seed; null without a tokenizer, or where logits are
   * not finite.
   */
  sample: { prompt: string; before: string; after: string; repaired?: string } | null;
  /** Of the model, and without the removed blocks; documents before 0.4 have none. */
  size?: ModelSize;
  /** Only where it was measured, with the run's machine and backend. */
  decode?: DecodeSpeed;
  /** The most memory that the process held, of the last part of a resumed run; only from Node. */
  memory?: { peakBytes: number };
  /** Seconds of computing, over all parts of a resumed run. */
  seconds: number;
  /** When, where and how it was made; older documents do not tell. */
  provenance?: Provenance;
}
