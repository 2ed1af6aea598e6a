/** The facade in a page: a model whose work is done in a worker. */
import { DisposedError, UsageError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { disposable } from '../library/disposable.ts';
import { maskText } from '../library/maskText.ts';
import type {
  Data,
  GenerateSettings,
  HealEvent,
  HealResult,
  HealSettings,
  MaskLike,
  Model,
  ModelTokenizer,
  PerplexityResult,
  PerplexitySettings,
  PruneEvent,
  PruneSettings,
  RepairEvent,
  RepairResult,
  RepairSettings,
  Run,
  Signal,
  TextRun,
} from '../library/model.ts';
import { latestOf, Running } from '../library/running.ts';
import { textRun } from '../library/textRun.ts';
import type { ModelConfig } from '../model/config.ts';
import type { ParameterCounts } from '../model/parameters.ts';
import type { PruneResult } from '../prune/result.ts';
import type { Line } from './line.ts';
import type { ModelInfo, OpenSettings } from './protocol.ts';

export interface RemoteSettings extends OpenSettings {
  signal?: Signal;
  /** The page's address, which a file's may be relative to: the worker has another one. */
  base?: string;
  /** Ends the worker, once its model is closed or was never opened. */
  end?: () => void;
}

/** Opens a model at the other end of a line. @throws as `load`. */
export async function openRemote(line: Line, { signal, base, end, ...settings }: RemoteSettings): Promise<Model> {
  // Who does not wait for the worker need not wait for its answer either.
  const giveUp = (): void => line.fail(signal?.reason);
  try {
    if (signal?.aborted === true) throw signal.reason;
    signal?.addEventListener('abort', giveUp);
    const files = settings.files?.map(({ name, from }) => ({ name, from: absolute(from, base) }));
    return disposable(new RemoteModel(line, await line.call('open', { ...settings, files }, signal), end));
  } catch (error) {
    end?.();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

class RemoteModel implements Omit<Model, keyof AsyncDisposable> {
  readonly description: string;
  readonly config: ModelConfig;
  readonly parameters: ParameterCounts;
  readonly warnings: readonly string[];
  readonly tokenizer: ModelTokenizer | null;
  readonly tokenizerNote: string | null;
  readonly backend: { readonly description: string; readonly why: string };
  readonly #line: Line;
  readonly #endWorker: () => void;
  #closing: Promise<void> | null = null;

  constructor(line: Line, info: ModelInfo, endWorker: () => void = () => {}) {
    this.#line = line;
    this.#endWorker = endWorker;
    this.description = info.description;
    this.config = info.config;
    this.parameters = info.parameters;
    this.warnings = info.warnings;
    this.tokenizerNote = info.tokenizerNote;
    this.backend = info.backend;
    this.tokenizer = info.tokenizer && {
      ...info.tokenizer,
      encode: (text, { signal } = {}) => line.call('encode', { text }, signal),
      decode: (ids, { signal } = {}) => line.call('decode', { ids }, signal),
    };
  }

  perplexity(data: Data, { signal, ...settings }: PerplexitySettings = {}): Promise<PerplexityResult> {
    return this.#line.call('perplexity', { data, settings: withMaskText(settings) }, signal);
  }

  prune({ signal, ...settings }: PruneSettings): Run<PruneEvent, PruneResult> {
    return new Running(
      (emit, ended) => this.#line.call('prune', settings, ended, emit),
      signal,
      latestOf('progress', 'repairing'),
    );
  }

  repair({ signal, ...settings }: RepairSettings): Run<RepairEvent, RepairResult> {
    const sent = withMaskText(settings);
    return new Running((emit, ended) => this.#line.call('repair', sent, ended, emit), signal, latestOf('repairing'));
  }

  generate(prompt: string, { signal, ...settings }: GenerateSettings = {}): TextRun {
    const call = { prompt, settings: withMaskText(settings) };
    return textRun((emit, ended) => this.#line.call('generate', call, ended, emit), signal);
  }

  heal({ signal, ...settings }: HealSettings): Run<HealEvent, HealResult> {
    const sent = withMaskText(settings);
    return new Running((emit, ended) => this.#line.call('heal', sent, ended, emit), signal, latestOf('step'));
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    try {
      // Where the worker is gone already, so is the model.
      if (!this.#line.broken) await this.#line.call('close', null);
    } finally {
      this.#line.fail(new DisposedError('the model was closed.', { where: this.description }));
      this.#endWorker();
    }
  }
}

/** A Mask is of a class, which messages do not carry. */
function withMaskText<Settings extends { mask?: MaskLike }>(settings: Settings): Settings {
  return settings.mask === undefined ? settings : { ...settings, mask: maskText(settings.mask) };
}

/** An address as it is wherever it is read; a blob stays one. */
function absolute(from: string | Blob, base: string | undefined): string | Blob {
  if (typeof from !== 'string') return from;
  const url = URL.parse(from, base);
  if (url === null) throw new UsageError(`${quoted(from)} is not an address of a file.`, { where: 'files' });
  return url.href;
}
