import type { GradientBackend } from '../backends/gradients.ts';
import { UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import type { OpenedModel } from '../formats/modelFiles.ts';
import { memoryFiles } from '../platform/files.ts';
import { memoryJournal } from '../platform/journalSink.ts';
import { checkStopRules, requireStopRule } from '../prune/candidates.ts';
import { mapEvents } from '../prune/mapEvents.ts';
import type { Method, MethodEvent } from '../prune/method.ts';
import { requireMethod } from '../prune/methods/all.ts';
import { checkRace, DEFAULT_CONFIDENCE, type RaceSettings } from '../prune/race/raceRule.ts';
import { protectedBlocks } from '../prune/protect.ts';
import { runWorkload, type RunWorkload } from '../prune/repair/workload.ts';
import type { PruneResult } from '../prune/result.ts';
import { run, type RunRepair } from '../prune/run.ts';
import { defaultRepair } from '../repair/repair.ts';
import { tensorStore } from '../repair/store.ts';
import type { LoadedWeights, Planned } from '../session/loadedWeights.ts';
import type { Data, PruneEvent, PruneSettings } from './model.ts';
import { checkOptions, pruneRules } from './options.ts';
import type { Platform } from './platform.ts';

/** What a search takes from the model it runs on. */
export interface Searched {
  readonly opened: OpenedModel;
  readonly platform: Platform;
  readonly weights: LoadedWeights;
  readonly chunks: () => Promise<{ name: string; chunks: Chunks }>;
  /** The text of `eval`, cut in the same way. */
  readonly evaluation: (text: Data) => Promise<{ name: string; chunks: Chunks }>;
  readonly gradients: () => Promise<GradientBackend>;
}

/** One call of `prune`, from its settings to its document. @throws as `Model.prune`. */
export async function* pruneEvents(
  settings: PruneSettings,
  { opened, platform, weights, chunks: cut, evaluation, gradients }: Searched,
): AsyncGenerator<PruneEvent, PruneResult> {
  checkOptions(settings, pruneRules);
  const { kind = 'mix', blocks, ratio, ratioOf, maxPpl, maxIncrease, protect, journal, fresh = false } = settings;
  const { config } = opened.weights;
  const stop = { blocks, ratio, ratioOf, maxPpl, maxIncrease };
  const names = typeof protect === 'string' ? protect.split(',') : protect;
  requireStopRule(stop);
  checkStopRules(stop, kind, config, protectedBlocks(names ?? [], config));
  checkRepair(settings);
  const { method, race, own } = chosen(settings);
  method.check({ ...own, race }, config);
  const { name, chunks } = await cut();
  const planned = await weights.under(workloadOf(settings, opened, chunks), settings.nllSum);
  const { model, activationBytes, spareBytes } = planned;
  const repair = await repairOf(settings, planned, platform);
  const text = settings.eval === undefined ? undefined : await evaluation(settings.eval);
  const sink = journal === undefined ? memoryJournal() : await platform.openJournal(journal, fresh);
  try {
    const events = run({
      model,
      tokenizer: opened.tokenizer,
      endTokenIds: opened.generation.endTokenIds,
      chunks,
      dataName: name,
      kind,
      stop,
      protect: names,
      method,
      settings: own,
      race,
      kl: settings.kl,
      decode: true,
      repair,
      evaluation: text,
      gradients: model.backend.name === 'gpu' ? undefined : gradients,
      activationBytes,
      checkpointBytes: spareBytes,
      plan: settings.plan === true ? { weightBytes: planned.weightBytes } : undefined,
      version: platform.version,
      origin: { ...platform.surroundings, settings: told(settings) },
      newHasher: platform.newHasher,
      sink,
    });
    return yield* mapEvents(events, plainEvent);
  } finally {
    await sink.close();
  }
}

function plainEvent(event: MethodEvent): PruneEvent {
  return event.type === 'done' ? { ...event, mask: event.mask.toString() } : event;
}

/** What was asked for, without texts and places. */
function told(settings: PruneSettings): Record<string, unknown> {
  const { data: _, eval: __, journal: ___, signal: ____, ...rest } = settings;
  return rest;
}

/** What the memory of the run must be enough for. */
function workloadOf(
  { kind = 'mix', repair, repairScope: scope = defaultRepair.scope, journal, kl = false, metric }: PruneSettings,
  { weights }: OpenedModel,
  { chunk, ids }: Chunks,
): RunWorkload {
  const inMemory = journal === undefined;
  const mending = repair && { when: repair, scope, tokens: chunk * ids.length, inMemory };
  return runWorkload(weights, chunk, kind, mending, kl || metric === 'kl');
}

/** What the run is to repair, and with what; undefined where nothing is. */
async function repairOf(
  { repair, leaders, repairScope: scope = defaultRepair.scope, journal }: PruneSettings,
  { weightBytes, streamBytes }: Planned,
  { openFiles, newHasher }: Platform,
): Promise<RunRepair | undefined> {
  if (repair === undefined) return undefined;
  const files = journal === undefined ? memoryFiles('fitted tensors') : await openFiles(journal);
  return {
    when: repair,
    settings: { ...defaultRepair, scope },
    leaders,
    store: tensorStore(files, newHasher),
    weightBytes,
    streamBytes,
  };
}

/** @throws UsageError for options of repair that do not go with the others. */
function checkRepair({ repair, leaders, repairScope }: PruneSettings): void {
  if (leaders !== undefined && repair !== 'each') throw new UsageError("leaders goes with repair: 'each'.");
  if (repair === undefined && repairScope !== undefined) throw new UsageError('repairScope goes with repair.');
}

/** The method with its own settings. @throws UsageError for options that do not go with it. */
function chosen({
  method: name = 'blockpruner',
  search,
  confidence = DEFAULT_CONFIDENCE,
  seed,
  metric = 'ppl',
  settings,
}: PruneSettings): {
  method: Method;
  race?: RaceSettings;
  own: Readonly<Record<string, unknown>>;
} {
  const method = requireMethod(name);
  if (name !== 'blockpruner') {
    if (search === 'race') throw new UsageError(`search: 'race' goes with method: 'blockpruner', not '${name}'.`);
    if (metric === 'kl') throw new UsageError(`metric: 'kl' goes with method: 'blockpruner', not '${name}'.`);
    return { method, own: { ...(seed === undefined ? {} : { seed }), ...settings } };
  }
  const own = { ...settings, ...(metric === 'kl' ? { metric } : {}) };
  if (search !== 'race') return { method, own };
  const race = { confidence, seed: seed ?? 0 };
  checkRace(race);
  return { method, race, own };
}
