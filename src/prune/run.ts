/**
 * A whole pruning run: method, sample text, result document. Files and terminals are the caller's.
 */
import type { GradientBackend } from '../backends/gradients.ts';
import { DataError, UnsupportedBackendError, UsageError } from '../errors.ts';
import type { Hasher } from '../platform/sha256.ts';
import type { JournalSink } from '../platform/journalSink.ts';
import type { Chunks } from '../eval/chunks.ts';
import { conventionOf, summarise } from '../eval/convention.ts';
import { figures } from '../eval/figures.ts';
import { requireSearchable } from '../eval/namedConvention.ts';
import { formatBlock } from '../model/blockId.ts';
import { denseOutputBytes } from '../model/denseOutputs.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { candidatesLeft, checkStopRules, type PruneKind, type StopRules } from './candidates.ts';
import { measuredPlan } from './cost/planning.ts';
import { Outcome, type MeasuredEnd } from './document.ts';
import { evaluationOf, type Evaluation, type EvalText } from './evaluation.ts';
import { decodeSpeedOnce, modelSize, type DecodeSpeed } from './gains.ts';
import { Journal, type JournalHeader } from './journal.ts';
import type { Method, MethodEvent, Telling } from './method.ts';
import { blockpruner, metricOf } from './methods/blockpruner.ts';
import { mapEvents } from './mapEvents.ts';
import { modelSummary } from './modelSummary.ts';
import { protectedBlocks, type Protected } from './protect.ts';
import { planGroup } from './pricing/plan.ts';
import { WalkKeeper, type Keeping } from './pricing/walkKeeper.ts';
import type { RaceSettings } from './race/raceRule.ts';
import { defaultRepair, type RepairSettings } from '../repair/repair.ts';
import { unitsOf } from '../repair/units.ts';
import { repairResult } from './repair/endRepair.ts';
import { canRepair, Repairs, type RepairMeans } from './repair/repairs.ts';
import type { RepairTime } from './repair/settings.ts';
import { provenanceOf, type Origin } from './provenance.ts';
import { PRUNE_SCHEMA, type PruneRepair, type PruneResult } from './result.ts';
import { methodSettings, protectField, runHeader } from './runIdentity.ts';
import { sampleOnce } from './runSample.ts';
import { subjectOf } from './subject.ts';
import { Mask } from '../model/mask.ts';

const UNCHECKED =
  'was begun by version 0.1, whose lines carry no checksums: damage to them may go unnoticed. Another --out searches anew.';

export interface RunOptions {
  model: Transformer;
  tokenizer: Tokenizer | null;
  /** Tokens that end the sample's text; default: the config's. */
  endTokenIds?: readonly number[];
  chunks: Chunks;
  dataName: string;
  kind: PruneKind;
  stop: StopRules;
  /** Blocks and layers that are never removed: `L0.mha`, `L3`. */
  protect?: readonly string[];
  /** Default: BlockPruner. */
  method?: Method;
  /** The method's own settings; those left out have its defaults. */
  settings?: Readonly<Record<string, unknown>>;
  /**
   * BlockPruner's setting of that name: race instead of measuring every candidate on all chunks.
   */
  race?: RaceSettings;
  /** Makes the backend for methods that need gradients; the run disposes it. */
  gradients?: () => Promise<GradientBackend>;
  /** Budget for residual streams; decides how many chunks go together, never what comes out. */
  activationBytes: number;
  /**
   * Budget for streams kept from step to step; default 0. Changes the time a search takes, never
   * what comes out.
   */
  checkpointBytes?: number;
  /** Measures candidates' KL divergence from the dense model too; a search by KL always does. */
  kl?: boolean;
  /** Repairs what is left: the result at the end, and with `each` the leaders of every step. */
  repair?: RunRepair;
  /** A text that nothing is chosen by and nothing fitted on, to measure every step on. */
  evaluation?: EvalText;
  /**
   * Measures for some two seconds, and tells the run's plan before all else; it changes nothing.
   * Default: no plan. Weights have so many bytes, as the session's plan gives them.
   */
  plan?: { readonly weightBytes: number };
  /** Measures how fast the model writes, dense and pruned. */
  decode?: boolean;
  /** Tells the most memory that the process has held. */
  peakBytes?: () => number;
  /** Program version, for the document. */
  version: string;
  /**
   * How the run was called and on what, for the document's `provenance`; without it there is none.
   */
  origin?: Origin;
  newHasher: () => Hasher;
  sink: JournalSink;
  /** Keeps sweeps that are under way, beside the journal; default: a killed run loses them. */
  keeping?: Keeping;
}

export interface RunRepair extends RepairMeans {
  readonly when: RepairTime;
  /** Default: every kept block, refitted. */
  readonly settings?: RepairSettings;
  /** With `each`: how many candidates a step repairs. */
  readonly leaders?: number;
}

/**
 * Runs or resumes a method; yields its events and returns the document.
 * @throws UsageError for stop rules or settings that do not fit the model, DataError without a
 * chunk, UnsupportedBackendError where the method needs gradients and none are offered,
 * JournalMismatchError for a journal of another run, MemoryBudgetError when the budget does not
 * hold one chunk's streams, FileChangedError when the model's files were changed meanwhile.
 */
export async function* run(options: RunOptions): AsyncGenerator<MethodEvent, PruneResult> {
  const { model, chunks, kind, stop, method = blockpruner } = options;
  const kept = protectedBlocks(options.protect ?? [], model.config);
  checkStopRules(stop, kind, model.config, kept);
  const settings = method.check(methodSettings(options), model.config);
  requireSearchable(chunks.convention);
  if (options.race !== undefined) requireEvenChunks(chunks);
  if (options.evaluation?.chunks.ids.length === 0) throw new DataError('the text of --eval has no chunk.');
  // What cannot be repaired in the end is refused before a search.
  if (options.repair !== undefined) unitsOf(chunks);
  if (chunks.ids.length === 0) throw new DataError('there is no chunk to measure on.');
  const candidates = candidatesLeft(kind, model.config, Mask.empty, kept).length;
  // Refused before a journal is begun.
  const kl = options.kl === true || metricOf({ name: method.name, settings }) === 'kl';
  const reserved = kl ? denseOutputBytes(model.config) : 0;
  planGroup(model, chunks.chunk, candidates, options.activationBytes - reserved);
  const gradients = method.needs.includes('gradients') ? await openGradients(method, options) : null;
  try {
    const hashes = await runHeader(options, settings, kept, gradients);
    const journal = await Journal.open(options.sink, hashes, options.newHasher);
    if (!journal.checked) yield { type: 'warning', message: `${options.sink.name}: ${UNCHECKED}` };

    if (options.plan !== undefined) {
      const plan = await measuredPlan({ ...options, weightBytes: options.plan.weightBytes });
      yield { type: 'plan', plan, done: journal.stepsDone };
    }
    const outcome = new Outcome(model.backend.perplexityNoise);
    const repairs = repairsOf(options, journal);
    const evaluation = evaluationOf(options, journal);
    const keeper = options.keeping === undefined ? null : new WalkKeeper(options.keeping, hashes, options.newHasher);
    const subject = subjectOf({ ...options, kl, kept, repairs, evaluation, keeper }, journal, gradients);
    const work = method.run(subject, settings, stop);
    const edits = yield* mapEvents(work, (event) => {
      outcome.take(event);
      return event;
    });
    await keeper?.clear();
    const end = outcome.end(method.name, edits);
    const repair = yield* repairOf(options, { journal, repairs, evaluation }, end);
    const sample = await sampleOnce(options, journal, end.mask, repair === null ? null : repairs);
    const text = chunks.ids[0];
    const speed = options.decode === true ? yield* decodeSpeedOnce(journal, model, text, end.mask) : null;
    // The result names the model by its hash: it is given only while the files are those that were
    // hashed.
    await model.source.assertUnchanged();
    const seconds = journal.seconds();
    return documentOf(options, {
      method: { name: method.name, settings },
      kept,
      outcome,
      end,
      hashes,
      sample,
      repair,
      speed,
      seconds,
    });
  } finally {
    await gradients?.dispose();
  }
}

/**
 * A race takes every chunk for as much as every other.
 * @throws UsageError where chunks count by their targets, and these differ.
 */
function requireEvenChunks({ convention, stride, chunk }: Chunks): void {
  if (convention === 'paper' || stride === chunk) return;
  throw new UsageError('with a stride, chunks of token-mean count differently, and a race needs them alike.', {
    where: '--search race',
    remedy: 'Leave --stride out, or use --search exact.',
  });
}

/** The repair of the result; null where none was asked for, or there is nothing to repair. */
async function* repairOf(
  options: RunOptions,
  { journal, repairs, evaluation }: { journal: Journal; repairs: Repairs | null; evaluation: Evaluation | null },
  { mask, scores }: MeasuredEnd,
): Telling<PruneRepair | null> {
  const { repair, model, chunks, activationBytes } = options;
  if (repair === undefined || repairs === null) return null;
  if (!canRepair(model, mask)) {
    const why = mask.size === 0 ? 'no block was removed' : 'no block is left to repair with';
    yield { type: 'warning', message: `nothing is repaired: ${why}.` };
    return null;
  }
  const groupSize = planGroup(model, chunks.chunk, 1, activationBytes);
  // A search that repairs in the loop has only measured repaired models.
  const pruned = repair.when === 'end' ? scores : null;
  const found = yield* repairResult({ model, chunks, journal, evaluation, groupSize, pruned }, repairs, mask);
  return { when: repair.when, ...found.repair };
}

/** @throws UnsupportedBackendError where nobody offers them. */
function openGradients({ name }: Method, { gradients }: RunOptions): Promise<GradientBackend> {
  if (gradients !== undefined) return gradients();
  throw new UnsupportedBackendError(`method ${name} needs gradients, and this run has no backend that takes them.`, {
    remedy: 'Use the simd or the reference backend.',
  });
}

interface Parts {
  method: PruneResult['method'];
  kept: Protected;
  outcome: Outcome;
  end: MeasuredEnd;
  hashes: JournalHeader;
  sample: PruneResult['sample'];
  repair: PruneRepair | null;
  speed: DecodeSpeed | null;
  seconds: number;
}

function documentOf(
  options: RunOptions,
  { method, kept, outcome, end, hashes, sample, repair, speed, seconds }: Parts,
): PruneResult {
  const { model, chunks, race, origin } = options;
  return {
    schema: PRUNE_SCHEMA,
    version: options.version,
    model: modelSummary(model.source, hashes.weights),
    data: summarise(options.dataName, chunks, end.dense.scoredTokens, hashes.tokens),
    convention: conventionOf(chunks, model.nllSum),
    backend: model.backend.description,
    method,
    kind: options.kind,
    ...(race === undefined ? {} : { race }),
    ...(method !== undefined && metricOf(method) === 'kl' ? { metric: 'kl' } : {}),
    stop: options.stop,
    ...protectField(kept),
    stoppedBy: end.stoppedBy,
    dense: figures(end.dense),
    ...(outcome.evaluation === null ? {} : { evaluation: outcome.evaluation }),
    ...(outcome.scores === null ? {} : { scores: outcome.scores }),
    work: outcome.work,
    steps: outcome.steps,
    removed: end.mask.blocks.map(formatBlock),
    ...(repair === null ? {} : { repair }),
    sample,
    size: modelSize(model.source, end.mask),
    ...(speed === null ? {} : { decode: speed }),
    ...(options.peakBytes === undefined ? {} : { memory: { peakBytes: options.peakBytes() } }),
    seconds,
    ...(origin === undefined ? {} : { provenance: provenanceOf(origin, model.source, new Date()) }),
  };
}

function repairsOf({ repair, model, chunks }: RunOptions, journal: Journal): Repairs | null {
  if (repair === undefined) return null;
  return new Repairs({ ...repair, model, chunks, journal }, repair.settings ?? defaultRepair);
}
