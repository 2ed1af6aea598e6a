/** What the facade's calls take: options, data, masks, signals. */
import type { BackendName } from '../backends/select.ts';
import type { GpuMode } from '../backends/gpu/gpuMode.ts';
import type { KernelVariant, Lanes } from '../backends/simd/kernels.ts';
import type { BosPolicy } from '../eval/bos.ts';
import type { LineEnds } from '../eval/lineEnds.ts';
import type { ConventionName } from '../eval/namedConvention.ts';
import type { SampleSource } from '../eval/windows.ts';
import type { NllSum } from '../ops/nll.ts';
import type { PruneKind, RatioOf } from '../prune/candidates.ts';
import type { RepairScope } from '../repair/cuts.ts';
import type { RepairForm } from '../repair/fit.ts';
import type { Metric } from '../prune/lowest.ts';
import type { PruneRepairSettings } from './pruneRepairSettings.ts';
import type { RepairResult } from './repairResult.ts';

/** What the calls need of an AbortSignal, so that these types need no DOM. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Every call takes a signal. Aborted, it throws the signal's reason: by default an AbortError. */
export interface CallSettings {
  signal?: Signal;
}

/** What a model is opened on. What is asked for runs, or an error says why not. */
export interface BackendSettings {
  /** Default `auto`: the fastest one here. */
  backend?: BackendName;
  /** For `gpu`; default: the first mode that finds a GPU. */
  gpuMode?: GpuMode;
  /** For `simd`; default: the best one here. */
  variant?: KernelVariant;
  /** f32 lanes of a vector, for `simd`; default: what proves faster here. */
  lanes?: Lanes;
  /** Default: as many as there are processors; in a page that is not cross-origin isolated, one. */
  threads?: number;
  /**
   * For weights and activations. Default: half of the machine's, at most 4 GiB; in a page 1 GiB.
   */
  memoryBytes?: number;
}

/** What the calls need of a Blob or File, so that these types need no DOM. */
export interface BlobContent {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** A file's name, whose ending says what it holds (.txt, .csv, .jsonl.gz …), and its content. */
export interface DataFile {
  name: string;
  /** Text, or a file's bytes: those of a .gz as they are. Of a Blob only what is needed is read. */
  content: string | Uint8Array | BlobContent;
  /** The text's column in a .csv or .tsv, its field in a row of JSON (`a.b`); default `text`. */
  field?: string;
}

/** A text, texts that are joined, token ids, or files, which are joined in their order. */
export type Data = string | readonly string[] | readonly number[] | Int32Array | DataFile | readonly DataFile[];

/**
 * Blocks to switch off: `L5.mlp,L4.mha`, a list of them such as a result's `removed`, or a `Mask`.
 */
export type MaskLike = string | readonly string[] | { toString(): string };

/** How a perplexity is taken. */
export interface EvaluationSettings {
  /** Default `paper`; `prune` also takes `token-mean` and `llama.cpp`, `perplexity` all. */
  convention?: ConventionName;
  /** Tokens a chunk; default: 2048, for `llama.cpp` 512, or the model's context if shorter. */
  chunk?: number;
  /** From one chunk's start to the next's; default: the chunk, for `hf-stride` half of it. */
  stride?: number;
  /** Where a BOS goes; default `auto`: as the tokenizer does. */
  bos?: BosPolicy;
  /** What stands between texts; default: a blank line. */
  join?: string;
  /** Keep the first so many tokens; default: all. */
  tokens?: number;
  /** Line ends in texts: `keep` (default) or `lf`, which reads CRLF and a lone CR as LF. */
  newlines?: LineEnds;
  /**
   * Draw so many windows of `chunk` tokens at random, from the joined texts (`stream`, default) or
   * each from one text (`document`). Default: all chunks, one after another.
   */
  sample?: { windows: number; seed?: number; from?: SampleSource };
  /**
   * How the sum over the vocabulary is kept; `f32` as the official code on a CPU. Default `f64`.
   */
  nllSum?: NllSum;
}

/** The model that a call runs: the whole one unless one of these is given. */
export interface PrunedSettings {
  /** Without these blocks. */
  mask?: MaskLike;
  /**
   * What `repair` gave: without the blocks that it says, and with its tensors. Not with `mask`.
   */
  repair?: RepairResult;
}

export interface PerplexitySettings extends EvaluationSettings, PrunedSettings, CallSettings {}

export interface PruneSettings extends EvaluationSettings, CallSettings, PruneRepairSettings {
  data: Data;
  /** A text to measure every step on; nothing is chosen by it, and nothing fitted on it. */
  eval?: Data;
  /** Stop when so many blocks are gone. This, `ratio`, `maxPpl` or `maxIncrease` must be given. */
  blocks?: number;
  /** Stop at the first step that has removed this share, above 0 and below 1. */
  ratio?: number;
  /** What `ratio` is a share of: all parameters (`total`, default), those in blocks, or blocks. */
  ratioOf?: RatioOf;
  /** Do not apply the removal that takes the perplexity above this. */
  maxPpl?: number;
  /** In per cent: do not apply the removal that takes the perplexity more above the dense one. */
  maxIncrease?: number;
  /** Blocks and layers that are never removed: `L0.mha,L3`, or a list of them. */
  protect?: string | readonly string[];
  /** What may be removed; default `mix`. */
  kind?: PruneKind;
  /** What decides the order: `blockpruner` (default), `block-influence`, `magnitude`, `taylor` … */
  method?: string;
  /** The method's own settings; those left out have its defaults. */
  settings?: Readonly<Record<string, unknown>>;
  /** What goes is the block with the lowest perplexity (default) or KL from the dense model. */
  metric?: Metric;
  /** Measure each candidate's KL divergence from the dense model too. Default false. */
  kl?: boolean;
  /** `exact` (default) measures every candidate on all chunks; `race` drops clear losers early. */
  search?: 'exact' | 'race';
  /** Of a race: that a step's pick is the exact one. Default 0.99. */
  confidence?: number;
  /** Of a race's order of chunks, or of a method that draws. Default 0. */
  seed?: number;
  /**
   * Where the search is kept, to go on there: a file, or a folder for `journal.jsonl`; in a browser
   * a name in the origin's private file system. Default: in memory.
   */
  journal?: string;
  /** Start over, discarding what the journal holds. Default false. */
  fresh?: boolean;
  /**
   * Measure for some two seconds, and tell first, by the event `plan`, what the run will take:
   * steps, passes, operations, memory, seconds. Default false.
   */
  plan?: boolean;
}

/** What is refitted, on what text, and how. Overlapping chunks cannot be fitted on. */
export interface RepairSettings extends EvaluationSettings, CallSettings {
  /** What was removed. */
  mask: MaskLike;
  /** What is fitted on; every eighth chunk is held out. */
  data: Data;
  /** A text to measure on, dense, pruned and repaired; nothing is fitted on it. */
  eval?: Data;
  /**
   * Refit every kept block (`all`, default), or the last before each cut (`cuts`, as `scale` does).
   */
  scope?: RepairScope;
  /** `refit` (default): any change of an output matrix; `replaceme`, `scale`: as papers have it. */
  form?: RepairForm;
  /** Ridge factors to choose from on held-out chunks; default 0.3, 1 and 3. */
  ridge?: readonly number[];
  /**
   * Where finished fits are kept, to go on there: as for `prune`. In Node the fitted tensors lie
   * beside the journal; in a browser they are fitted anew.
   */
  journal?: string;
  /** Start over, discarding what the journal holds. Default false. */
  fresh?: boolean;
}

export interface GenerateSettings extends PrunedSettings, CallSettings {
  /** Tokens to add at most; default 64. */
  maxTokens?: number;
  /** Default 0: the likeliest token. */
  temperature?: number;
  /** Draw among the k likeliest; default 0: all. */
  topK?: number;
  /** Draw among the likeliest that add up to p; default 1: all. */
  topP?: number;
  /** Of the draws; same seed, same text. Default 0. */
  seed?: number;
  /**
   * The text ends before the first of these, wherever tokens are cut. A special token's name stands
   * for that token.
   */
  stop?: string | readonly string[];
  /**
   * The prompt is a user's message, written out by the model's own chat template; the text is the
   * answer. Default false.
   */
  chat?: boolean;
  /** Of a chat: what the system's message before it says. Default: what the template says. */
  system?: string;
}

/**
 * How adapters are trained, and how perplexities are taken before and after. `mask` or `repair`
 * must be given; with `repair` the repaired weights are trained on.
 */
export interface HealSettings extends EvaluationSettings, PrunedSettings, CallSettings {
  /** What is trained on. */
  data: Data;
  /** What perplexities are measured on. */
  valid: Data;
  /** Training steps; default 200. */
  steps?: number;
  /** Rank of the adapters; default 32. */
  rank?: number;
  /** An adapter counts alpha / rank; default 10. */
  alpha?: number;
  /** Learning rate of the first step; it falls linearly to 0. Default 2e-4. */
  lr?: number;
  /** Tokens a training sequence; default: 512 or the model's context, whichever is shorter. */
  seqLen?: number;
  /** Sequences a batch; default 1. */
  sequences?: number;
  /** Batches a step; default 4. */
  accumulate?: number;
  /** Of adapters and of the order of the data. Default 0. */
  seed?: number;
}
