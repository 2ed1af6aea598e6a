/**
 * A model one can hold: the library's facade. It is one type in Node, where it computes in the
 * process, and in a browser, where it stands for an engine in a worker.
 *
 * Calls may be made at any time. They run one after the other, in the order in which they were
 * made; the model stays loaded between them. Everything that goes in or comes out survives a
 * structured clone.
 */
import type { BackendName } from '../backends/select.ts';
import type { GpuMode } from '../backends/gpu/gpuMode.ts';
import type { KernelVariant, Lanes } from '../backends/simd/kernels.ts';
import type { BosPolicy } from '../eval/bos.ts';
import type { LineEnds } from '../eval/lineEnds.ts';
import type { SampleSource } from '../eval/windows.ts';
import type { Convention, DataSummary } from '../eval/convention.ts';
import type { ConventionName } from '../eval/namedConvention.ts';
import type { Perplexity } from '../eval/perplexity.ts';
import type { Completion } from '../model/completion.ts';
import type { ModelConfig } from '../model/config.ts';
import type { ParameterCounts } from '../model/parameters.ts';
import type { NllSum } from '../ops/nll.ts';
import type { PruneKind, RatioOf } from '../prune/candidates.ts';
import type { PruneResult } from '../prune/result.ts';
import type { PruneRepairSettings } from './pruneRepairSettings.ts';
import type { MethodEvent } from '../prune/method.ts';
import type { HealDocument, HealEvent } from '../train/healRun.ts';

/*
 * TypeScript knows `Symbol.asyncDispose` only with the library `esnext.disposable`, which a program
 * with `lib: ["ES2023", "DOM"]` does not load. These are that library's own declarations, so that
 * programs which load it see no second symbol.
 */
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
  interface Disposable {
    [Symbol.dispose](): void;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
}

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

export interface PerplexitySettings extends EvaluationSettings, CallSettings {
  mask?: MaskLike;
}

/** A perplexity with how it was taken, over what, and what really ran. */
export interface PerplexityResult extends Perplexity {
  mask: string;
  convention: Convention;
  data: DataSummary;
  backend: string;
  /** Without some blocks a loss may not be finite: where that begins. Null where all are. */
  nonFinite: string | null;
}

export interface PruneSettings extends EvaluationSettings, CallSettings, PruneRepairSettings<Data> {
  data: Data;
  /** Stop when so many blocks are removed. This, `ratio` or `maxPpl` must be given. */
  blocks?: number;
  /** Stop at the first step that has removed this share, above 0 and below 1. */
  ratio?: number;
  /** What `ratio` is a share of: all parameters (`total`, default), those in blocks, or blocks. */
  ratioOf?: RatioOf;
  /** Do not apply the removal that takes the perplexity above this. */
  maxPpl?: number;
  /** What may be removed; default `mix`. */
  kind?: PruneKind;
  /** What decides the order: `blockpruner` (default), `block-influence`, `magnitude`, `taylor` … */
  method?: string;
  /** The method's own settings; those left out have its defaults. */
  settings?: Readonly<Record<string, unknown>>;
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
}

/** The method's events; the mask of the last is in its text form. */
export type PruneEvent =
  Exclude<MethodEvent, { type: 'done' }> | (Omit<Extract<MethodEvent, { type: 'done' }>, 'mask'> & { mask: string });

export interface GenerateSettings extends CallSettings {
  mask?: MaskLike;
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
}

/** How adapters are trained, and how perplexities are taken before and after. */
export interface HealSettings extends EvaluationSettings, CallSettings {
  /** What pruning removed. */
  mask: MaskLike;
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

/** A healed model and what healing came to. */
export interface HealResult {
  document: HealDocument;
  /** The files of the healed model's folder by name: config.json, model.safetensors, tokenizer … */
  files: Readonly<Record<string, Uint8Array>>;
}

/**
 * A call that tells on its way. It begins when it is made (in its turn). `for await` gives its
 * events, in one loop; leaving the loop ends the call. Awaiting it gives its result, with or
 * without a loop. What could not be read in time is kept; of progress only the latest.
 */
export interface Run<Event, Result> extends PromiseLike<Result>, AsyncIterable<Event> {
  [Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined>;
}

/** A text as it is written; awaited, the whole of it, without the prompt. */
export interface TextRun extends Run<string, string> {
  /** The whole with its ids, and why it ends where it does. */
  completion(): Promise<Completion>;
}

/** The model's tokenizer, wherever it runs. */
export interface ModelTokenizer {
  readonly description: string;
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /** Whether it puts a BOS at the start of a text itself. `encode` never does. */
  readonly addsBos: boolean;
  encode(text: string, settings?: CallSettings): Promise<number[]>;
  decode(ids: readonly number[], settings?: CallSettings): Promise<string>;
}

export type { HealDocument, HealEvent };

export interface Model extends AsyncDisposable {
  /** Where the model comes from and in what format. */
  readonly description: string;
  readonly config: ModelConfig;
  readonly parameters: ParameterCounts;
  /** What the user should be told, one line each. */
  readonly warnings: readonly string[];
  /** Null where there is none that can be used: `tokenizerNote` says why. */
  readonly tokenizer: ModelTokenizer | null;
  readonly tokenizerNote: string | null;
  /** What runs, `simd (relaxed-fma, 8 lanes, 2 threads)`, and in one sentence why. */
  readonly backend: { readonly description: string; readonly why: string };
  /**
   * @throws DataError, MaskError, UsageError or MemoryBudgetError for what does not fit the model;
   * NonFiniteError where the whole model's loss is not finite; FileChangedError where its files
   * were changed.
   */
  perplexity(data: Data, settings?: PerplexitySettings): Promise<PerplexityResult>;
  /**
   * Searches for the blocks the model misses least. The result is the document of `prune --json`;
   * `renderReport` makes a page of it.
   * @throws as `perplexity`; JournalMismatchError or FormatError for the journal of another search.
   */
  prune(settings: PruneSettings): Run<PruneEvent, PruneResult>;
  /**
   * Continues a text.
   * @throws as `perplexity`; DataError for a prompt that is empty or too long.
   */
  generate(prompt: string, settings?: GenerateSettings): TextRun;
  /**
   * Trains low-rank adapters on what pruning left, merges them into the weights, and measures the
   * model before and after. The healed model comes as files; this one stays as it was. It runs on
   * the processor, in memory of its own.
   * @throws as `perplexity`; UnsupportedModelError for a GGUF model, UnsupportedBackendError on a
   * GPU.
   */
  heal(settings: HealSettings): Run<HealEvent, HealResult>;
  /**
   * Ends what runs and what waits with a DisposedError, and gives threads and memory back. A second
   * call waits for the first. `await using` does the same where the engine has it.
   */
  close(): Promise<void>;
}
