/**
 * What a page and its model's worker say to each other. A page sends requests, each with an id of
 * its own; the worker answers them with events on the way and `done` or `failed` at the end.
 * Everything here survives a structured clone.
 */
import type {
  BackendSettings,
  CallSettings,
  Data,
  GenerateSettings,
  HealEvent,
  HealResult,
  HealSettings,
  Model,
  ModelTokenizer,
  PerplexityResult,
  PerplexitySettings,
  PruneEvent,
  PruneSettings,
  RepairEvent,
  RepairResult,
  RepairSettings,
} from '../library/model.ts';
import type { Completion } from '../model/completion.ts';
import type { PruneResult } from '../prune/result.ts';

/**
 * A file of a model: its name in the model's folder, and a URL or what a file input or a drop gave.
 * A relative URL is one of the page's, as `fetch` there takes it.
 */
export interface WebFile {
  name: string;
  from: string | Blob;
}

export interface OpenSettings {
  /** config.json, safetensors and tokenizer.json, or one .gguf file. */
  files: readonly WebFile[];
  /** For messages and results. */
  name: string;
  backend: BackendSettings;
}

/** What a model says of itself. */
export type ModelInfo = Pick<
  Model,
  'description' | 'config' | 'parameters' | 'warnings' | 'tokenizerNote' | 'backend'
> & { tokenizer: Omit<ModelTokenizer, 'encode' | 'decode'> | null };

/** Settings as they go over: a signal is a message of its own. */
type Sent<Settings extends CallSettings> = Omit<Settings, 'signal'>;

/** Requests, what answers them, and what comes on the way. */
export interface Calls {
  /** The first, and only once. */
  open: { settings: OpenSettings; result: ModelInfo; event: never };
  perplexity: { settings: { data: Data; settings: Sent<PerplexitySettings> }; result: PerplexityResult; event: never };
  prune: { settings: Sent<PruneSettings>; result: PruneResult; event: PruneEvent };
  repair: { settings: Sent<RepairSettings>; result: RepairResult; event: RepairEvent };
  generate: { settings: { prompt: string; settings: Sent<GenerateSettings> }; result: Completion; event: string };
  heal: { settings: Sent<HealSettings>; result: HealResult; event: HealEvent };
  encode: { settings: { text: string }; result: number[]; event: never };
  decode: { settings: { ids: readonly number[] }; result: string; event: never };
  /** Ends what runs, gives threads and memory back and closes the model. */
  close: { settings: null; result: null; event: never };
}

/** A call's request. */
export type CallRequest = {
  [K in keyof Calls]: { type: K; id: number; settings: Calls[K]['settings'] };
}[keyof Calls];
/**
 * `cancel` names the request that is not wanted any more. It fails with an AbortError, unless it
 * has ended meanwhile.
 */
export type Request = CallRequest | { type: 'cancel'; id: number };

export type Reply =
  | { type: 'event'; id: number; event: Calls[keyof Calls]['event'] }
  | { type: 'done'; id: number; result: Calls[keyof Calls]['result'] }
  | { type: 'failed'; id: number; error: WireError };

/** An error of src/errors.ts, an AbortError, or a bug. */
export interface WireError {
  name: string;
  message: string;
  where?: string;
  remedy?: string;
}
