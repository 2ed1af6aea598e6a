import type { GradientBackend } from '../backends/gradients.ts';
import { UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import type { OpenedModel } from '../formats/modelFiles.ts';
import { Mask } from '../model/mask.ts';
import { memoryJournal } from '../platform/journalSink.ts';
import { candidatesLeft, checkStopRules, requireStopRule } from '../prune/candidates.ts';
import type { Method, MethodEvent } from '../prune/method.ts';
import { requireMethod } from '../prune/methods/all.ts';
import { checkRace, DEFAULT_CONFIDENCE, type RaceSettings } from '../prune/race/raceRule.ts';
import type { PruneResult } from '../prune/result.ts';
import { run } from '../prune/run.ts';
import type { LoadedWeights } from '../session/loadedWeights.ts';
import type { PruneSettings } from './model.ts';
import { checkOptions, pruneRules } from './options.ts';
import type { Platform } from './platform.ts';

/** What a search takes from the model it runs on. */
export interface Searched {
  readonly opened: OpenedModel;
  readonly platform: Platform;
  readonly weights: LoadedWeights;
  readonly chunks: () => Promise<{ name: string; chunks: Chunks }>;
  readonly gradients: () => Promise<GradientBackend>;
}

/** One call of `prune`, from its settings to its document. @throws as `Model.prune`. */
export async function* pruneEvents(
  settings: PruneSettings,
  { opened, platform, weights, chunks: cut, gradients }: Searched,
): AsyncGenerator<MethodEvent, PruneResult> {
  checkOptions(settings, pruneRules);
  const { kind = 'mix', blocks, ratio, ratioOf, maxPpl, journal, fresh = false } = settings;
  const { config } = opened.weights;
  const stop = { blocks, ratio, ratioOf, maxPpl };
  requireStopRule(stop);
  checkStopRules(stop, kind, config);
  const { method, race, own } = chosen(settings);
  method.check({ ...own, race }, config);
  const { name, chunks } = await cut();
  const streams = candidatesLeft(kind, config, Mask.empty).length;
  const workload = { chunk: chunks.chunk, streams };
  const { model, activationBytes, spareBytes } = await weights.under(workload, settings.nllSum);
  const sink = journal === undefined ? memoryJournal() : await platform.openJournal(journal, fresh);
  try {
    return yield* run({
      model,
      tokenizer: opened.tokenizer,
      endTokenIds: opened.generation.endTokenIds,
      chunks,
      dataName: name,
      kind,
      stop,
      method,
      settings: own,
      race,
      gradients: model.backend.name === 'gpu' ? undefined : gradients,
      activationBytes,
      checkpointBytes: spareBytes,
      version: platform.version,
      newHasher: platform.newHasher,
      sink,
    });
  } finally {
    await sink.close();
  }
}

/** The method with its own settings. @throws UsageError for options that do not go with it. */
function chosen({
  method: name = 'blockpruner',
  search,
  confidence = DEFAULT_CONFIDENCE,
  seed,
  settings,
}: PruneSettings): {
  method: Method;
  race?: RaceSettings;
  own: Readonly<Record<string, unknown>>;
} {
  const method = requireMethod(name);
  if (name !== 'blockpruner') {
    if (search === 'race') throw new UsageError(`search: 'race' goes with method: 'blockpruner', not '${name}'.`);
    return { method, own: { ...(seed === undefined ? {} : { seed }), ...settings } };
  }
  if (search !== 'race') return { method, own: settings ?? {} };
  const race = { confidence, seed: seed ?? 0 };
  checkRace(race);
  return { method, race, own: settings ?? {} };
}
