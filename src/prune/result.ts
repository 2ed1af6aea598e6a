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
  /** Mean of chunk means, nats a token. */
  nll: number | null;
  /** Standard error of `nll` over chunks; null with fewer than two chunks. */
  standardError: number | null;
  /** Null where the tokenizer, and so the byte count, is unknown. */
  bitsPerByte: number | null;
}

export interface CandidateScore {
  /** `L5.mlp`, or in layer mode `L5.mha,L5.mlp`. */
  block: string;
  ppl: number | null;
  status?: NonFinite;
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
  /** What really ran: `simd (relaxed-fma, 2 threads)`. */
  backend: string;
  kind: 'mix' | 'mha' | 'mlp' | 'layer';
  stop: { blocks?: number; ratio?: number; maxPpl?: number };
  stoppedBy: 'blocks' | 'ratio' | 'max-ppl' | 'no candidate left' | 'no finite candidate';
  dense: PerplexityFigures;
  steps: StepResult[];
  /** Blocks in the order of removal. */
  removed: string[];
  /** A greedy continuation of the data's own opening words, dense and pruned; null without a tokenizer. */
  sample: { prompt: string; before: string; after: string } | null;
  /** Seconds of computing, over all parts of a resumed run. */
  seconds: number;
}
