/**
 * The result document: what `prune --json` prints and result.json holds. Versioned; a reader must check `schema`.
 * JSON has no NaN or Infinity: a perplexity that is not finite is null and `status` says which it was.
 */

import type { Convention, DataSummary } from '../eval/convention.ts';

export const PRUNE_SCHEMA = 'blockpruner.prune/1';

export type NonFinite = 'nan' | 'infinite';

export interface PerplexityFigures {
  ppl: number | null;
  status?: NonFinite;
  /** Mean over chunks of the chunk's mean NLL, in nats: `ppl` is exp of it. */
  nll: number | null;
  /**
   * Σ NLL over all scored tokens / their number. Equals `nll` only where all chunks score equally
   * many.
   */
  natsPerToken: number | null;
  /** Standard error of `nll` over chunks; null with fewer than two chunks. */
  standardError: number | null;
  /** Null where the tokenizer, and so the byte count, is unknown. */
  bitsPerByte: number | null;
}

/** A candidate's perplexity over all chunks; null with a status where it has none. */
export interface CandidateScore {
  /** `L5.mlp`, or in layer mode `L5.mha,L5.mlp`. */
  block: string;
  ppl: number | null;
  /** `dropped`: a race saw that it cannot win and did not measure it on all chunks. */
  status?: NonFinite | 'dropped';
  /** What a race saw of one that did not go on to all chunks. */
  seen?: {
    chunks: number;
    /** Over those chunks: not to be compared with a perplexity over others. */
    ppl: number | null;
    /** `ppl` over the pick's on the same chunks; null where either is not finite or nothing was picked. */
    againstPick: number | null;
  };
}

/** Work in block·row passes: one block on one token of one stream. */
export interface BlockPasses {
  /** In all parts of a resumed run. The rest of `exact` was saved: by checkpoints, or by dropping candidates in a race. */
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

export interface Ratios {
  /** Removed / all parameters, embeddings and head included, tied weights once: BlockPruner's ratio. */
  total: number;
  /** Removed / parameters of all blocks. */
  blocks: number;
  /** Removed blocks / all blocks. */
  depth: number;
}

export interface StepResult {
  step: number;
  /** `L5.mlp`; in layer mode `L5.mha,L5.mlp`; null where every candidate was NaN or infinite and nothing went. */
  removed: string | null;
  ppl: number | null;
  status?: NonFinite;
  standardError: number | null;
  bitsPerByte: number | null;
  /** = ratios.total */
  ratio: number;
  ratios: Ratios;
  /** Runner-up closer than the backend's noise, if any: the pick could be another on other hardware. */
  nearTie: { block: string; ppl: number } | null;
  /** All candidates in the order they were considered. */
  candidates: CandidateScore[];
  work: BlockPasses;
  /** Only where the search raced. */
  race?: StepRace;
}

export interface PruneResult {
  schema: typeof PRUNE_SCHEMA;
  version: string;
  model: {
    name: string;
    family: string;
    numHiddenLayers: number;
    blocks: number;
    parameters: number;
    blockParameters: number;
    contentHash: string;
  };
  data: DataSummary;
  convention: Convention;
  /** What really ran: `simd (relaxed-fma, 8 lanes, 2 threads)`. */
  backend: string;
  kind: 'mix' | 'mha' | 'mlp' | 'layer';
  /** Only where the search raced: each step's pick is the exact search's with this confidence. */
  race?: { confidence: number; seed: number };
  stop: { blocks?: number; ratio?: number; maxPpl?: number };
  stoppedBy: 'blocks' | 'ratio' | 'max-ppl' | 'no candidate left' | 'no finite candidate';
  dense: PerplexityFigures;
  /** Of all steps, and of one whose pick a stop rule refused. */
  work: BlockPasses;
  steps: StepResult[];
  /** Blocks in the order of removal. */
  removed: string[];
  /**
   * A continuation of the data's own opening words, dense and pruned, drawn at temperature 0.6 with
   * a fixed seed; null without a tokenizer, or where logits are not finite.
   */
  sample: { prompt: string; before: string; after: string } | null;
  /** Seconds of computing, over all parts of a resumed run. */
  seconds: number;
}
