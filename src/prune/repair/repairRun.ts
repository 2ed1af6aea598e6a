/**
 * A repair on its own: of a model and the blocks that are removed from it, by whatever search. It
 * has a journal and a store, so a killed run goes on, and a document. Files and terminals are the
 * caller's.
 */
import { DataError } from '../../errors.ts';
import type { Chunks } from '../../eval/chunks.ts';
import { conventionOf, summarise, type Convention, type DataSummary } from '../../eval/convention.ts';
import { requireSearchable } from '../../eval/namedConvention.ts';
import { formatBlock } from '../../model/blockId.ts';
import type { Mask } from '../../model/mask.ts';
import { countParameters } from '../../model/parameters.ts';
import type { Transformer } from '../../model/transformer.ts';
import type { JournalSink } from '../../platform/journalSink.ts';
import type { Hasher } from '../../platform/sha256.ts';
import { fitShapeOf } from '../../repair/branchSums.ts';
import { cutsOf } from '../../repair/cuts.ts';
import type { RepairSettings } from '../../repair/repair.ts';
import { heldOutChunks, unitsOf } from '../../repair/units.ts';
import { Evaluation, type EvalText } from '../evaluation.ts';
import type { Ratios } from '../events.ts';
import { evaluationIdentity, hashInputs } from '../hashInputs.ts';
import { Journal } from '../journal.ts';
import type { MethodEvent } from '../method.ts';
import { modelSummary } from '../modelSummary.ts';
import { planGroup } from '../pricing/plan.ts';
import { ratios } from '../ratios.ts';
import type { PruneRepair, PruneResult } from '../result.ts';
import { repairResult } from './endRepair.ts';
import { Repairs, type RepairMeans } from './repairs.ts';

export const REPAIR_SCHEMA = 'blockpruner.repair/1';

/** The document of a repair: what `repair --json` prints and repair.json holds. */
export interface RepairRunResult {
  readonly schema: typeof REPAIR_SCHEMA;
  readonly version: string;
  readonly model: PruneResult['model'];
  /** The calibration text: what was fitted, and held out. */
  readonly data: DataSummary;
  readonly convention: Convention;
  readonly backend: string;
  /** Blocks in the order of removal. */
  readonly removed: readonly string[];
  readonly ratios: Ratios;
  readonly repair: Omit<PruneRepair, 'when'>;
  /** Seconds of computing, over all parts of a resumed run. */
  readonly seconds: number;
}

export interface RepairRunOptions extends RepairMeans {
  /** The whole model. */
  readonly model: Transformer;
  readonly chunks: Chunks;
  readonly dataName: string;
  /** What is removed. */
  readonly mask: Mask;
  readonly settings: RepairSettings;
  /** A text that nothing is fitted on, to measure on; null where there is none. */
  readonly evaluation: EvalText | null;
  /** Budget for what goes through the model at once; changes the time, never what comes out. */
  readonly activationBytes: number;
  /** Program version, for the document. */
  readonly version: string;
  readonly newHasher: () => Hasher;
  readonly sink: JournalSink;
}

/**
 * Runs or resumes a repair; yields events and returns the document.
 * @throws UsageError for a mask that removes nothing or everything, DataError without a chunk or
 * for chunks that overlap, JournalMismatchError for a journal of another run, NonFiniteError where
 * the whole model's loss is not finite, FileChangedError where its files were changed meanwhile.
 */
export async function* repairRun(options: RepairRunOptions): AsyncGenerator<MethodEvent, RepairRunResult> {
  const { model, chunks, mask, settings, evaluation, newHasher, sink } = options;
  checkRepair(options);
  const groupSize = planGroup(model, chunks.chunk, 1, options.activationBytes);
  const warning = tooFewRows(options);
  const { form, scope, factors } = settings;
  const identity = { ...evaluationIdentity(model, chunks), repair: { form, scope, factors } };
  const hashes = await hashInputs(options, identity);
  const journal = await Journal.open(sink, hashes, newHasher);
  if (warning !== null) yield { type: 'warning', message: warning };

  const repairs = new Repairs({ ...options, journal }, settings);
  const text = evaluation === null ? null : new Evaluation({ model, journal, groupSize, newHasher }, evaluation);
  const job = { model, chunks, journal, evaluation: text, groupSize, pruned: null };
  const { repair, scoredTokens } = yield* repairResult(job, repairs, mask);
  await model.source.assertUnchanged();
  return {
    schema: REPAIR_SCHEMA,
    version: options.version,
    model: modelSummary(model.source, hashes.weights),
    data: summarise(options.dataName, chunks, scoredTokens, hashes.tokens),
    convention: conventionOf(chunks, model.nllSum),
    backend: model.backend.description,
    removed: mask.blocks.map(formatBlock),
    ratios: ratios(countParameters(model.source), mask),
    repair,
    seconds: journal.seconds(),
  };
}

/**
 * What cannot be repaired, told before anything is written.
 * @throws UsageError for a mask that removes nothing or everything, DataError without a chunk or
 * for chunks that overlap.
 */
export function checkRepair({
  model,
  chunks,
  mask,
  settings,
}: Pick<RepairRunOptions, 'model' | 'chunks' | 'mask' | 'settings'>): void {
  requireSearchable(chunks.convention);
  if (chunks.ids.length === 0) throw new DataError('there is no chunk to fit on.');
  cutsOf(model.config, mask, settings.scope);
  unitsOf(chunks);
}

/** A sentence where some matrix has more inputs than there are tokens to fit it on. */
function tooFewRows({ model, chunks, mask, settings }: RepairRunOptions): string | null {
  const { config, source } = model;
  const rows = (chunks.ids.length - heldOutChunks(chunks.ids.length).length) * chunks.chunk;
  const wide = cutsOf(config, mask, settings.scope)
    .kept.filter(({ fitted }) => fitted)
    .map(({ block }) => ({ block, inputs: fitShapeOf(source, block).inputs }))
    .toSorted((a, b) => b.inputs - a.inputs)
    .at(0);
  if (wide === undefined || rows >= wide.inputs) return null;
  return (
    `${rows} tokens are fitted, fewer than the ${wide.inputs} inputs of ${formatBlock(wide.block)}'s output matrix: ` +
    'the fit will follow this text more than the model. Give more text, or a larger --tokens.'
  );
}
