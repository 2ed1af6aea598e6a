/**
 * What a page and its engine's worker say to each other. A page sends requests, each with an id of
 * its own; the worker answers them in turn, one after the other, with events on the way and `done`
 * or `failed` at the end. Everything here survives a structured clone.
 */
import type { BackendName } from '../backends/select.ts';
import type { GpuMode } from '../backends/gpu/gpuMode.ts';
import type { KernelVariant } from '../backends/simd/kernels.ts';
import type { EvalSettings } from '../eval/chunks.ts';
import type { Convention } from '../eval/convention.ts';
import type { Perplexity } from '../eval/perplexity.ts';
import type { ModelConfig } from '../model/config.ts';
import type { ParameterCounts } from '../model/parameters.ts';
import type { NllSum } from '../ops/nll.ts';
import type { PruneKind, StopRules } from '../prune/candidates.ts';
import type { RaceSettings } from '../prune/race/raceRule.ts';
import type { PruneResult } from '../prune/result.ts';
import type { MethodEvent } from '../prune/method.ts';

/**
 * A file of a model: its name in the model's folder, and a URL or what a file input or a drop gave.
 * A relative URL is one of the page's, as `fetch` there takes it.
 */
export interface WebFile {
  name: string;
  from: string | Blob;
}

/** What is to run. Nothing else runs instead. */
export interface BackendSettings {
  name: BackendName;
  /** For `gpu`; without it, the first of WebGPU and WebGL2 that has a GPU and not only software. */
  gpuMode?: GpuMode;
  /** For `simd`. */
  variant?: KernelVariant;
  /** Default: all processors where the page is cross-origin isolated, else 1. */
  threads?: number;
  /** For weights and activations; default 1 GiB. */
  memoryBytes?: number;
}

export interface OpenSettings {
  /** config.json, safetensors and tokenizer.json, or one .gguf file. */
  files: readonly WebFile[];
  /** For messages and results. */
  name: string;
  backend: BackendSettings;
}

export interface OpenedInfo {
  /** Where the model comes from and in what format. */
  description: string;
  config: ModelConfig;
  parameters: ParameterCounts;
  warnings: readonly string[];
  /** Why there is no tokenizer, if there is none. */
  tokenizerNote: string | null;
  /** What runs, `simd (relaxed-fma, 4 lanes, 2 threads)`, and in one sentence why. */
  backend: string;
  why: string;
}

/** Text or ids, and how perplexity is taken over them. */
export interface DataSettings {
  /** A file's content; its name's ending says what it is: .txt, .jsonl or .json. */
  data: { name: string; content: string };
  /** The text's field in a row of .jsonl; default `text`. */
  field?: string;
  /** What differs from `defaultEvalSettings`. */
  evaluation?: Partial<EvalSettings>;
  nllSum?: NllSum;
}

export interface PerplexitySettings extends DataSettings {
  /** Removed blocks, `L5.mlp,L4.mha`; default none. */
  mask?: string;
}

export interface PerplexityResult extends Perplexity {
  mask: string;
  convention: Convention;
  /** What really ran. */
  backend: string;
}

export interface PruneSettings extends DataSettings {
  kind: PruneKind;
  stop: StopRules;
  /** Name of a method, such as `block-influence`, and its own settings; default BlockPruner. */
  method?: string;
  settings?: Readonly<Record<string, unknown>>;
  race?: RaceSettings;
  /**
   * Keeps the search in a file of this name in the origin's private file system, to go on there;
   * default: in memory.
   */
  journal?: { name: string; fresh: boolean };
}

/** Requests and what answers them. */
export interface Calls {
  open: { settings: OpenSettings; result: OpenedInfo };
  perplexity: { settings: PerplexitySettings; result: PerplexityResult };
  prune: { settings: PruneSettings; result: PruneResult };
  /** Ends threads, gives memory back and closes the model. */
  close: { settings: null; result: null };
}

/** A call's request. */
export type CallRequest = { [K in keyof Calls]: { type: K; id: number; settings: Calls[K]['settings'] } }[keyof Calls];
/**
 * `cancel` names the request that is not wanted any more. It fails with an AbortError, unless it
 * has ended meanwhile.
 */
export type Request = CallRequest | { type: 'cancel'; id: number };

/** The search's own events; only the mask is in its text form. */
export type WireEvent =
  Exclude<MethodEvent, { type: 'done' }> | (Omit<Extract<MethodEvent, { type: 'done' }>, 'mask'> & { mask: string });

export type Reply =
  | { type: 'event'; id: number; event: WireEvent }
  | { type: 'done'; id: number; result: Calls[keyof Calls]['result'] }
  | { type: 'failed'; id: number; error: WireError };

/** An error of src/errors.ts, an AbortError, or a bug. */
export interface WireError {
  name: string;
  message: string;
  where?: string;
  remedy?: string;
}
