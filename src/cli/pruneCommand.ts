import type { Command } from 'commander';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccessError, UsageError } from '../errors.ts';
import { dataName } from '../eval/dataForm.ts';
import { defaultEvalSettings, type Chunks } from '../eval/chunks.ts';
import { requireSearchable } from '../eval/namedConvention.ts';
import type { BlockId } from '../model/blockId.ts';
import { Mask } from '../model/mask.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { prepareFolder, writeFileWhole } from '../platform/nodeFolder.ts';
import { lockFile } from '../platform/nodeLock.ts';
import { checkStopRules, requireStopRule, type PruneKind, type RatioOf, type StopRules } from '../prune/candidates.ts';
import { writeOfficialOrder } from '../prune/officialOrder.ts';
import type { Metric } from '../prune/lowest.ts';
import type { Method } from '../prune/method.ts';
import { protectedBlocks } from '../prune/protect.ts';
import type { RaceSettings } from '../prune/race/raceRule.ts';
import { shellWord } from '../prune/report/nextSection.ts';
import { renderReport } from '../prune/report/report.ts';
import type { PruneResult } from '../prune/result.ts';
import { run, type RunOptions } from '../prune/run.ts';
import { runDigest } from '../prune/runIdentity.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { stepsCsv } from './csv.ts';
import { loadChunks, loadEvaluation, type EvalOptions } from './evalOptions.ts';
import { keepConfig } from './config/keptConfig.ts';
import { journalled } from './journalled.ts';
import { isMethodFile, loadMethod, readSet } from './methodArgument.ts';
import { originOf } from './origin.ts';
import { openRun, type ModelOptions, type OpenRun } from './openRun.ts';
import { checkOutput } from './outputFolder.ts';
import { defaultTokensNote, explainTokens, fewChunksWarning, showPlan, withDefaultTokens } from './prunePlan.ts';
import { checkRepair, repairAsked, repairOf, type PruneRepairOptions } from './pruneRepair.ts';
import { pruneSummary } from './pruneSummary.ts';
import { defaultRunFolder } from './runFolder.ts';
import { Terminal } from './terminal.ts';
import { trainingBackend, trainingBackends } from './trainingBackend.ts';
import { programWords } from './userFolder.ts';

export interface PruneOptions extends ModelOptions, EvalOptions, PruneRepairOptions {
  blocks?: number;
  ratio?: number;
  ratioOf?: RatioOf;
  maxPpl?: number;
  maxIncrease?: number;
  protect?: string[];
  kind: PruneKind;
  method: string;
  search: 'exact' | 'race';
  confidence: number;
  seed?: number;
  plus?: boolean;
  set?: string;
  metric: Metric;
  kl: boolean;
  eval?: string[];
  out?: string;
  /** Say what the run would take, and stop. */
  plan: boolean;
  fresh: boolean;
  saveEvery: number;
  force: boolean;
  json: boolean;
  csv?: boolean;
  quiet: boolean;
}

/**
 * `blockpruner prune MODEL`: searches, and leaves result.json, report.html, del_order_list.json and
 * the journal in --out.
 */
export async function pruneCommand(argument: string, given: PruneOptions, command: Command): Promise<void> {
  const options = withDefaultTokens(given);
  const terminal = new Terminal(options);
  const { blocks, ratio, ratioOf, maxPpl, maxIncrease } = options;
  const stop: StopRules = { blocks, ratio, ratioOf, maxPpl, maxIncrease };
  requireStopRule(stop);
  checkRepair(options);
  requireSearchable(options.convention ?? defaultEvalSettings.convention);
  const chosen = await chooseMethod(options);
  // Before a model is opened where it can be: only the run tells its own default folder.
  if (options.out !== undefined && !options.plan) await checkOut(options.out, argument, options);
  const opened = await openRun(argument, options, terminal);
  try {
    const { config } = opened.model;
    checkStopRules(stop, options.kind, config, protectedBlocks(options.protect ?? [], config));
    chosen.method.check(settingsOf(chosen), config);
    const chunks = await loadChunks(options, opened.opened, terminal);
    const note = defaultTokensNote(given, chunks);
    if (note !== null) terminal.note(note);
    const few = fewChunksWarning(chunks);
    if (few !== null) terminal.warn(few);
    const evaluation = await loadEvaluation(options, opened.opened, terminal);
    const asked = { ...chosen, chunks, evaluation };
    const out = options.out ?? (options.plan ? 'runs' : await ownFolder(argument, options, asked, opened.model));
    if (options.out === undefined && !options.plan) await checkOut(out, argument, options);
    const repair = repairOf(options, out, chunks, opened);
    if (options.plan) {
      const toPlan = {
        ...runOptions(opened, chunks, options),
        protect: options.protect,
        ...chosen,
        stop,
        repair,
        evaluation,
        weightBytes: opened.weightBytes,
      };
      return await showPlan(toPlan, given, terminal);
    }
    await prepareFolder(out);
    const unlock = await lockFile(join(out, 'journal.lock'), (text) => terminal.warn(text));
    let result: PruneResult;
    let unsaved: Error | void;
    try {
      result = await searchInto(
        out,
        opened,
        chunks,
        { ...chosen, stop, repair, evaluation, origin: originOf(command, { out }) },
        options,
        terminal,
      ).catch((error: unknown) => Promise.reject(explainTokens(error, given, chunks)));
      // What cannot be saved, because the folder was removed or the disk is full, is shown all the
      // same. The options come last: the journal might have been another run's, whose file stays.
      unsaved = await save(out, result, opened)
        .then(() => keepConfig(command, out))
        .catch((error: unknown) => error as Error);
    } finally {
      await unlock();
    }
    if (options.json) terminal.document(result);
    if (options.csv === true) terminal.csv(stepsCsv(result));
    terminal.result(pruneSummary(result));
    if (unsaved) throw new AccessError(`the result is printed but not saved: ${unsaved.message}`, { cause: unsaved });
    terminal.result(`\nreport: ${join(out, 'report.html')}\n(open it in a browser, or: ${serveWords(out)})`);
  } finally {
    await opened.close();
  }
}

/** `npx blockpruner serve runs/mine` */
function serveWords(out: string): string {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  return `${programWords(process.env, root)} serve ${shellWord(out)}`;
}

/** @throws as `checkOutput` */
function checkOut(out: string, argument: string, options: PruneOptions): Promise<void> {
  const { data, eval: texts = [], method, force } = options;
  const reads = [argument, ...data, ...texts, ...(isMethodFile(method) ? [method] : [])];
  return checkOutput({ folder: out, kind: 'prune', reads, force });
}

/** Where the results of this run go, and of no other, without --out. */
async function ownFolder(
  argument: string,
  options: PruneOptions,
  asked: Pick<RunOptions, 'chunks' | 'evaluation'> & Chosen,
  model: OpenRun['model'],
): Promise<string> {
  const { data, kind, protect } = options;
  const digest = await runDigest({
    ...asked,
    model,
    kind,
    protect,
    repair: repairAsked(options),
    newHasher: nodeHasher,
  });
  return defaultRunFolder({ model: argument, data, method: asked.method.name, kind, digest });
}

interface Chosen {
  method: Method;
  settings: Readonly<Record<string, unknown>>;
  race?: RaceSettings;
}

/**
 * The method, and what the options say of its settings.
 * @throws UsageError for options that do not go with it.
 */
async function chooseMethod(options: PruneOptions): Promise<Chosen> {
  const method = await loadMethod(options.method);
  const { plus, seed, confidence } = options;
  const set = readSet(options.set);
  if (options.backend === 'gpu' && method.needs.includes('gradients')) {
    throw new UsageError(`method ${method.name} needs gradients, which --backend gpu does not take.`, {
      remedy: 'Use simd or reference.',
    });
  }
  if (method.name !== 'blockpruner') {
    if (options.metric === 'kl') {
      throw new UsageError(`--metric kl goes with --method blockpruner: ${method.name} does not choose by price.`, {
        remedy: 'Use --kl to see the figure.',
      });
    }
    if (options.search === 'race') {
      throw new UsageError(`--search race goes with --method blockpruner: ${method.name} does not search.`);
    }
    // Beside --sample, --seed is of its windows; only what draws an order takes it as well.
    const own = options.sample === undefined || method.name === 'random' ? seed : undefined;
    return { method, settings: { plus, seed: own, ...set } };
  }
  const race = options.search === 'race' ? { confidence, seed: seed ?? 0 } : undefined;
  const metric = options.metric === 'kl' ? options.metric : undefined;
  return { method, settings: { plus, metric, ...set }, race };
}

/** All settings, as the method's `check` takes them. */
function settingsOf({ settings, race }: Chosen): Readonly<Record<string, unknown>> {
  return { ...settings, race };
}

/** Writes what a run leaves behind. */
async function save(out: string, result: PruneResult, opened: OpenRun): Promise<void> {
  await writeFileWhole(join(out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeFileWhole(join(out, 'del_order_list.json'), writeOfficialOrder(removals(result, opened)));
  await writeFileWhole(join(out, 'report.html'), renderReport(result));
}

function searchInto(
  out: string,
  opened: OpenRun,
  chunks: Chunks,
  {
    method,
    settings,
    race,
    stop,
    repair,
    evaluation,
    origin,
  }: Chosen & Pick<RunOptions, 'stop' | 'repair' | 'evaluation' | 'origin'>,
  options: PruneOptions,
  terminal: Terminal,
): Promise<PruneResult> {
  return journalled(out, options, terminal, (sink, keeping) =>
    run({
      ...runOptions(opened, chunks, options),
      stop,
      protect: options.protect,
      method,
      settings,
      race,
      kl: options.kl,
      decode: true,
      peakBytes: () => process.resourceUsage().maxRSS * 1024,
      repair,
      evaluation,
      gradients: gradientsOf(options),
      plan: { weightBytes: opened.weightBytes },
      version: PROGRAM_VERSION,
      origin,
      newHasher: nodeHasher,
      sink,
      keeping,
    }),
  );
}

/** What model and text say of a run, to plan it or to make it. */
function runOptions(opened: OpenRun, chunks: Chunks, { data, kind }: Pick<PruneOptions, 'data' | 'kind'>) {
  return {
    model: opened.model,
    tokenizer: opened.opened.tokenizer,
    endTokenIds: opened.opened.generation.endTokenIds,
    chunks,
    dataName: dataName(data),
    kind,
    activationBytes: opened.activationBytes,
    checkpointBytes: opened.spareBytes,
  };
}

/** A backend that takes gradients beside the one that measures; undefined on a GPU. */
function gradientsOf(options: PruneOptions): RunOptions['gradients'] {
  const { backend, threads, memory } = options;
  const taker = backend === 'auto' ? 'simd' : trainingBackends.find((name) => name === backend);
  if (taker === undefined) return undefined;
  return () => trainingBackend({ backend: taker, threads, memory }, null);
}

/** The blocks each step removed. */
function removals(result: PruneResult, opened: OpenRun): BlockId[][] {
  return result.steps.map((step) => [...Mask.parse(step.removed ?? '', opened.model.config).blocks]);
}
