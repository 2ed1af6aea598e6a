/**
 * A model one can hold: the library's facade. It is one type in Node, where it computes in the
 * process, and in a browser, where it stands for an engine in a worker.
 *
 * Calls may be made at any time. They run one after the other, in the order in which they were
 * made; the model stays loaded between them. Everything that goes in or comes out survives a
 * structured clone.
 */
import type { Convention, DataSummary } from '../eval/convention.ts';
import type { Perplexity } from '../eval/perplexity.ts';
import type { Completion } from '../model/completion.ts';
import type { ModelConfig } from '../model/config.ts';
import type { ParameterCounts } from '../model/parameters.ts';
import type { PruneResult } from '../prune/result.ts';
import type { MethodEvent } from '../prune/method.ts';
import type { HealDocument, HealEvent } from '../train/healRun.ts';
import type { RepairIdentity } from '../repair/readDocument.ts';
import type { RepairEvent, RepairResult } from './repairResult.ts';
import type {
  CallSettings,
  Data,
  GenerateSettings,
  HealSettings,
  PerplexitySettings,
  PruneSettings,
  RepairSettings,
} from './settings.ts';

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

/** A perplexity with how it was taken, over what, and what really ran. */
export interface PerplexityResult extends Perplexity {
  mask: string;
  convention: Convention;
  data: DataSummary;
  backend: string;
  /** Only where a repaired model was measured: how it was repaired. */
  repair?: RepairIdentity;
  /** Without some blocks a loss may not be finite: where that begins. Null where all are. */
  nonFinite: string | null;
}

/** The method's events; the mask of the last is in its text form. */
export type PruneEvent =
  Exclude<MethodEvent, { type: 'done' }> | (Omit<Extract<MethodEvent, { type: 'done' }>, 'mask'> & { mask: string });

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
  /** The whole with its ids, and why it ends where it does: `stoppedBy`. */
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

export type * from './settings.ts';
export type { HealDocument, HealEvent, RepairEvent, RepairResult };

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
   * Refits the output matrices of what is left without some blocks, by least squares towards the
   * whole model, and measures the model before and after. The result goes into `perplexity`,
   * `generate` and `heal` as `repair`; this model stays as it was.
   * @throws as `prune`; UsageError for a mask that leaves nothing to repair, or nothing to repair
   * with.
   */
  repair(settings: RepairSettings): Run<RepairEvent, RepairResult>;
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
