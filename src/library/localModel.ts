import type { Backend } from '../backends/backend.ts';
import type { GradientBackend } from '../backends/gradients.ts';
import { referenceBackend } from '../backends/reference/referenceBackend.ts';
import { simdGradientBackend } from '../backends/simd/simdGradientBackend.ts';
import { DisposedError, UnsupportedBackendError } from '../errors.ts';
import { conventionOf, hashTokens, summarise } from '../eval/convention.ts';
import { firstNonFinite } from '../eval/nonFinite.ts';
import { perplexity } from '../eval/perplexity.ts';
import type { OpenedModel } from '../formats/modelFiles.ts';
import type { Completion } from '../model/completion.ts';
import type { ModelConfig } from '../model/config.ts';
import { turn } from '../model/eventLoop.ts';
import { Mask } from '../model/mask.ts';
import { countParameters, type ParameterCounts } from '../model/parameters.ts';
import type { WeightSource } from '../model/weights.ts';
import { abandon } from '../prune/mapEvents.ts';
import type { PruneResult } from '../prune/result.ts';
import { LoadedWeights } from '../session/loadedWeights.ts';
import type { MemoryRemedy } from '../session/memoryPlan.ts';
import { abortableBackend } from './abortable.ts';
import { chunksOf, evaluationOf, idsOf } from './data.ts';
import { generateEvents } from './generateEvents.ts';
import { healEvents } from './healEvents.ts';
import { maskText } from './maskText.ts';
import type {
  Data,
  EvaluationSettings,
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
  Run,
  Signal,
  TextRun,
} from './model.ts';
import { checkOptions, perplexityRules } from './options.ts';
import type { Platform } from './platform.ts';
import { modelTokenizer } from './modelTokenizer.ts';
import { PrunedWeights } from './prunedWeights.ts';
import { pruneEvents } from './pruneEvents.ts';
import { Queue } from './queue.ts';
import { repairEvents } from './repairEvents.ts';
import { latestOf, Running } from './running.ts';
import { follow } from './signals.ts';
import { textRun } from './textRun.ts';
import { errorInLibraryWords } from './words.ts';

const remedy: MemoryRemedy = (least) =>
  least === null ? 'Lower chunk.' : `Raise memoryBytes to ${least * 2 ** 20} or more, or lower chunk.`;

/** One opened model on one backend: what the facade is where it computes itself. */
export class LocalModel implements Omit<Model, keyof AsyncDisposable> {
  readonly description: string;
  readonly config: ModelConfig;
  readonly parameters: ParameterCounts;
  readonly warnings: readonly string[];
  readonly tokenizer: ModelTokenizer | null;
  readonly tokenizerNote: string | null;
  readonly backend: { readonly description: string; readonly why: string };
  readonly #opened: OpenedModel;
  readonly #backend: Backend;
  readonly #weights: PrunedWeights;
  readonly #budget: { threads: number; memoryBytes: number };
  readonly #platform: Platform;
  readonly #queue = new Queue();
  readonly #closed = new AbortController();
  #closing: Promise<void> | null = null;
  /** Of the call that runs. */
  #signal: AbortSignal | null = null;

  constructor(
    opened: OpenedModel,
    { backend, why }: { backend: Backend; why: string },
    budget: { threads: number; memoryBytes: number },
    platform: Platform,
  ) {
    this.#opened = opened;
    this.#backend = abortableBackend(backend, () => this.#check());
    const load = (source: WeightSource): LoadedWeights =>
      new LoadedWeights(source, this.#backend, budget.memoryBytes, remedy);
    this.#weights = new PrunedWeights(opened.weights, load, platform.newHasher);
    this.#budget = budget;
    this.#platform = platform;
    this.description = opened.description;
    this.config = opened.weights.config;
    this.parameters = countParameters(opened.weights);
    this.warnings = opened.warnings;
    this.tokenizer = modelTokenizer(opened.tokenizer, (signal, work) => this.#call(signal, work));
    this.tokenizerNote = opened.tokenizerNote;
    this.backend = { description: backend.description, why };
  }

  perplexity(data: Data, settings: PerplexitySettings = {}): Promise<PerplexityResult> {
    return this.#call(settings.signal, async () => {
      checkOptions(settings, perplexityRules);
      const pruned = await this.#weights.pruned(settings);
      const { mask, repair } = pruned;
      const { name, chunks } = await this.#chunks(data, settings);
      const { model } = await this.#weights.of(pruned).under({ chunk: chunks.chunk, streams: 1 }, settings.nllSum);
      let nonFinite: string | null = null;
      const found = await perplexity(model, chunks, mask, 1, async (scores) => {
        nonFinite ??= (await firstNonFinite(model, chunks, mask, scores))?.message ?? null;
        await this.#turn();
      });
      await this.#opened.weights.assertUnchanged();
      return {
        ...found,
        mask: mask.toString(),
        ...(repair === null ? {} : { repair }),
        convention: conventionOf(chunks, model.nllSum),
        data: summarise(name, chunks, found.scoredTokens, hashTokens(chunks, this.#platform.newHasher())),
        backend: this.#backend.description,
        nonFinite,
      };
    });
  }

  prune(settings: PruneSettings): Run<PruneEvent, PruneResult> {
    return new Running(
      (emit, signal) => this.#call(signal, () => this.#prune(settings, emit)),
      settings.signal,
      latestOf('progress', 'repairing', 'evaluating'),
    );
  }

  repair(settings: RepairSettings): Run<RepairEvent, RepairResult> {
    return new Running(
      (emit, signal) => this.#call(signal, () => this.#repair(settings, emit)),
      settings.signal,
      latestOf('repairing', 'evaluating'),
    );
  }

  generate(prompt: string, settings: GenerateSettings = {}): TextRun {
    return textRun((emit, signal) => this.#call(signal, () => this.#generate(prompt, settings, emit)), settings.signal);
  }

  heal(settings: HealSettings): Run<HealEvent, HealResult> {
    return new Running(
      (emit, signal) => this.#call(signal, () => this.#heal(settings, emit)),
      settings.signal,
      latestOf('step'),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  #prune(settings: PruneSettings, emit: (event: PruneEvent) => void): Promise<PruneResult> {
    const events = pruneEvents(settings, {
      opened: this.#opened,
      platform: this.#platform,
      weights: this.#weights.own,
      chunks: () => this.#chunks(settings.data, settings),
      evaluation: (text) => this.#chunks(text, settings),
      gradients: () => this.#gradients(),
    });
    return this.#drained(events, emit);
  }

  #repair(settings: RepairSettings, emit: (event: RepairEvent) => void): Promise<RepairResult> {
    const events = repairEvents(settings, {
      opened: this.#opened,
      platform: this.#platform,
      weights: this.#weights.own,
      mask: () => Mask.parse(maskText(settings.mask), this.config),
      chunks: (text) => this.#chunks(text, settings),
    });
    return this.#drained(events, emit);
  }

  #heal(settings: HealSettings, emit: (event: HealEvent) => void): Promise<HealResult> {
    const { bos, join } = evaluationOf(settings);
    const check = (): void => this.#check();
    const events = healEvents(settings, {
      opened: this.#opened,
      platform: this.#platform,
      pruned: () => this.#weights.pruned(settings),
      train: () => idsOf(this.#opened, settings.data, evaluationOf({ bos, join }), check),
      measure: () => this.#chunks(settings.valid, settings),
      gradients: () => this.#trainingBackend(),
    });
    return this.#drained(events, emit);
  }

  /** @throws UnsupportedBackendError on a GPU, which cannot train. */
  #trainingBackend(): Promise<GradientBackend> {
    if (this.#backend.name !== 'gpu') return this.#gradients();
    return Promise.reject(
      new UnsupportedBackendError('a GPU cannot train yet.', {
        where: this.description,
        remedy: "Load the model with backend: 'simd'.",
      }),
    );
  }

  /** Another backend beside the one that measures, of the same kind. */
  async #gradients(): Promise<GradientBackend> {
    const { threads, memoryBytes } = this.#budget;
    const { spawn, widen } = this.#platform;
    const backend =
      this.#backend.name === 'reference'
        ? referenceBackend()
        : await simdGradientBackend({ memoryBytes, threads, spawn, widen });
    return abortableBackend(backend, () => this.#check());
  }

  #generate(prompt: string, settings: GenerateSettings, emit: (piece: string) => void): Promise<Completion> {
    const pieces = generateEvents(prompt, settings, {
      opened: this.#opened,
      pruned: async () => {
        const pruned = await this.#weights.pruned(settings);
        // A text to continue is short: a token counts as a chunk.
        const { model } = await this.#weights.of(pruned).under({ chunk: 1, streams: 1 });
        return { model, mask: pruned.mask };
      },
    });
    return this.#drained(pieces, (piece) => {
      if (piece !== '') emit(piece);
    });
  }

  /**
   * Passes on what a generator yields, and gives its result; ends it where nobody waits any more.
   */
  async #drained<T, R>(events: AsyncGenerator<T, R>, pass: (event: T) => void): Promise<R> {
    try {
      for (;;) {
        const next = await events.next();
        if (next.done === true) return next.value;
        pass(next.value);
        await this.#turn();
      }
    } finally {
      await abandon(events);
    }
  }

  /** Runs a call in its turn, under the caller's signal and the model's end. */
  async #call<T>(signal: Signal | undefined, work: () => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const ends = [this.#closed.signal, signal].map((given) => follow(controller, given));
    const begun = async (): Promise<T> => {
      this.#signal = controller.signal;
      try {
        return await work();
      } finally {
        this.#signal = null;
      }
    };
    try {
      return await this.#queue.add(begun, controller.signal);
    } catch (error) {
      throw errorInLibraryWords(error);
    } finally {
      for (const end of ends) end();
    }
  }

  async #end(): Promise<void> {
    this.#closed.abort(new DisposedError('the model was closed.', { where: this.description }));
    await this.#queue.idle();
    this.#weights.free();
    await this.#backend.dispose();
    await this.#opened.close();
  }

  /** @throws the reason of the running call's signal once it is aborted. */
  #check(): void {
    this.#signal?.throwIfAborted();
  }

  async #turn(): Promise<void> {
    await turn();
    this.#check();
  }

  #chunks(data: Data, settings: EvaluationSettings): ReturnType<typeof chunksOf> {
    return chunksOf(this.#opened, data, evaluationOf(settings), () => this.#check());
  }
}
