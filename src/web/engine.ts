import type { Backend } from '../backends/backend.ts';
import { selectBackend } from '../backends/select.ts';
import type { SpawnWorker } from '../backends/simd/threadPool.ts';
import { UsageError } from '../errors.ts';
import { chunkTokens, defaultEvalSettings, tokensNeeded, type Chunks } from '../eval/chunks.ts';
import { conventionOf } from '../eval/convention.ts';
import { perplexity } from '../eval/perplexity.ts';
import { dataKind } from '../eval/textData.ts';
import { readTokens } from '../eval/tokenData.ts';
import { openFolderModel, type OpenedModel } from '../formats/modelFiles.ts';
import { textTokenizer } from '../formats/textTokenizer.ts';
import { turn } from '../model/eventLoop.ts';
import { Mask } from '../model/mask.ts';
import { countParameters } from '../model/parameters.ts';
import { Transformer } from '../model/transformer.ts';
import { memoryJournal, type JournalSink } from '../platform/journalSink.ts';
import { abandon } from '../prune/mapEvents.ts';
import { candidatesLeft, checkStopRules } from '../prune/candidates.ts';
import { memoryNeeds, planMemory, spareBytes, type MemoryPlan } from '../prune/pricing/plan.ts';
import type { PruneResult } from '../prune/result.ts';
import { run } from '../prune/run.ts';
import type { MethodEvent } from '../prune/method.ts';
import { requireMethod } from '../prune/methods/all.ts';
import { plainSha256 } from './plainSha256.ts';
import type {
  DataSettings,
  OpenedInfo,
  OpenSettings,
  PerplexityResult,
  PerplexitySettings,
  PruneSettings,
} from './protocol.ts';
import { version } from './version.ts';
import { webFolder } from './webFolder.ts';

const DEFAULT_MEMORY = 2 ** 30;

/** Characters tokenised between two looks at what the page says. */
const PIECE = 1 << 16;

/** What an engine takes from where it runs. */
export interface Surroundings {
  /** How kernel threads are started; null where memory cannot be shared. */
  spawn: SpawnWorker | null;
  /** Threads where none are asked for. */
  threads: number;
  openJournal: (name: string, fresh: boolean) => Promise<JournalSink>;
}

interface Opened {
  readonly model: OpenedModel;
  readonly backend: Backend;
  readonly threads: number;
  readonly memoryBytes: number;
}

/**
 * One model on one backend: what the worker does for its page. Calls must not overlap. A signal is
 * looked at between chunks of a perplexity and between the events of a search; then AbortError is
 * thrown.
 */
export class Engine {
  readonly #surroundings: Surroundings;
  #opened: Opened | null = null;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * Opens a model and a backend for it, in place of those before.
   * @throws NotFoundError, AccessError, FormatError or UnsupportedModelError for the files,
   * UnsupportedBackendError or MemoryBudgetError for the backend.
   */
  async open({ files, name, backend: asked }: OpenSettings): Promise<OpenedInfo> {
    await this.close();
    const { spawn, threads: all } = this.#surroundings;
    const { threads = all, memoryBytes = DEFAULT_MEMORY } = asked;
    const model = await openFolderModel(webFolder(name, files), name);
    try {
      const { backend, why } = await selectBackend({ ...asked, threads, memoryBytes, spawn });
      this.#opened = { model, backend, threads, memoryBytes };
      const { description, warnings, tokenizerNote, weights } = model;
      const parameters = countParameters(weights);
      const info = { description, warnings, tokenizerNote, config: weights.config, parameters, why };
      return { ...info, backend: backend.description };
    } catch (error) {
      await model.close();
      throw error;
    }
  }

  /** @throws DataError, MaskError, MemoryBudgetError; UsageError where no model is open. */
  async perplexity(settings: PerplexitySettings, signal: AbortSignal): Promise<PerplexityResult> {
    const opened = this.#theOpened();
    const mask = Mask.parse(settings.mask ?? '', opened.model.weights.config);
    const { chunks, model } = await load(opened, settings, 1, signal);
    try {
      const found = await perplexity(model, chunks, mask, 1, async () => {
        await turn();
        signal.throwIfAborted();
      });
      await opened.model.weights.assertUnchanged();
      const convention = conventionOf(chunks, model.nllSum);
      return { ...found, mask: mask.toString(), convention, backend: opened.backend.description };
    } finally {
      model.free();
    }
  }

  /**
   * As `run` of src/prune/run.ts.
   * @throws also UsageError where no model is open, AccessError for the journal.
   */
  async *prune(settings: PruneSettings, signal: AbortSignal): AsyncGenerator<MethodEvent, PruneResult> {
    const opened = this.#theOpened();
    const { kind, stop, race, journal, data } = settings;
    const { config } = opened.model.weights;
    checkStopRules(stop, kind, config);
    const method = requireMethod(settings.method ?? 'blockpruner');
    const candidates = candidatesLeft(kind, config, Mask.empty).length;
    const { chunks, model, plan } = await load(opened, settings, candidates, signal);
    try {
      const sink =
        journal === undefined ? memoryJournal() : await this.#surroundings.openJournal(journal.name, journal.fresh);
      try {
        const events = run({
          model,
          tokenizer: opened.model.tokenizer,
          endTokenIds: opened.model.generation.endTokenIds,
          chunks,
          dataName: data.name,
          kind,
          stop,
          method,
          settings: settings.settings,
          race,
          activationBytes: plan.activationBytes,
          checkpointBytes: spareBytes(model.source, plan),
          version,
          newHasher: plainSha256,
          sink,
        });
        return yield* untilAborted(events, signal);
      } finally {
        await sink.close();
      }
    } finally {
      model.free();
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.backend.dispose();
    await opened?.model.close();
  }

  #theOpened(): Opened {
    if (this.#opened === null) throw new UsageError('no model is open.', { remedy: 'Open one first.' });
    return this.#opened;
  }
}

/** Chunks, a plan for their memory, and the model under that plan. */
async function load(
  { model: opened, backend, threads, memoryBytes }: Opened,
  { data, field = 'text', evaluation, nllSum }: DataSettings,
  candidates: number,
  signal: AbortSignal,
): Promise<{ chunks: Chunks; plan: MemoryPlan; model: Transformer }> {
  const settings = { ...defaultEvalSettings, ...evaluation };
  const { weights } = opened;
  const tokenizer = dataKind(data.name) === 'json' ? opened.tokenizer : textTokenizer(opened, data.name);
  const read = { field, join: settings.join, limit: tokensNeeded(settings) };
  const tokens = await readTokens(data.name, breathing(data.content, signal), tokenizer, read);
  const chunks = chunkTokens(data.name, tokens, weights.config, tokenizer, settings);
  const needs = memoryNeeds(weights, chunks.chunk, candidates, threads);
  const plan = planMemory(Math.min(memoryBytes, backend.capacityBytes), needs);
  return { chunks, plan, model: await Transformer.load(weights, backend, plan.weightBytes, nllSum) };
}

/** A text in pieces, and between them hears whether anybody still wants it. */
async function* breathing(text: string, signal: AbortSignal): AsyncGenerator<string, void> {
  for (let at = 0; at < text.length; at += PIECE) {
    yield text.slice(at, at + PIECE);
    await turn();
    signal.throwIfAborted();
  }
}

/** Passes events on, and between them hears whether anybody still wants them. */
async function* untilAborted(
  events: AsyncGenerator<MethodEvent, PruneResult>,
  signal: AbortSignal,
): AsyncGenerator<MethodEvent, PruneResult> {
  try {
    for (;;) {
      const next = await events.next();
      if (next.done === true) return next.value;
      yield next.value;
      await turn();
      signal.throwIfAborted();
    }
  } finally {
    await abandon(events);
  }
}
