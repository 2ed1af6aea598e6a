/**
 * The repair of a run's result, and what it came to: on the chunks that were fitted, on those held
 * out, and on another text where one is given.
 */
import type { Chunks } from '../../eval/chunks.ts';
import type { ChunkScore } from '../../eval/perplexity.ts';
import { Mask } from '../../model/mask.ts';
import type { Transformer } from '../../model/transformer.ts';
import { repairDocument, repairFigures, type RepairEvaluation } from '../../repair/document.ts';
import { evaluating, journalledScores, type Evaluation } from '../evaluation.ts';
import type { Journal } from '../journal.ts';
import { mapEvents } from '../mapEvents.ts';
import type { MethodEvent, Telling } from '../method.ts';
import type { PruneRepair } from '../result.ts';
import { REPAIR_KEY } from './fitMemory.ts';
import type { Repairs } from './repairs.ts';

/** What the result is measured with. */
export interface ResultRepair {
  /** The whole model. */
  readonly model: Transformer;
  /** What was fitted on. */
  readonly chunks: Chunks;
  readonly journal: Journal;
  readonly evaluation: Evaluation | null;
  /** How many chunks go through the model together. */
  readonly groupSize: number;
  /** The pruned model's scores of `chunks`, where a search has them; else they are measured. */
  readonly pruned: readonly ChunkScore[] | null;
}

/** What a result's repair came to. */
export interface RepairedResult {
  readonly repair: Omit<PruneRepair, 'when'>;
  /** Targets of the calibration text that count. */
  readonly scoredTokens: number;
}

/**
 * Repairs what is left without `mask`, and measures it. Fits and scores that the journal holds are
 * not made again.
 * @throws NonFiniteError where the whole model's loss on the evaluation text is not finite.
 */
export async function* repairResult(job: ResultRepair, repairs: Repairs, mask: Mask): Telling<RepairedResult> {
  const { model, chunks, journal, evaluation } = job;
  const repaired = yield* mapEvents(repairs.of(mask), (event): MethodEvent => {
    return event.type === 'repaired' ? event : { ...event, leader: null };
  });
  const pruned = job.pruned ?? (yield* prunedScores(job, mask));
  const document = repairDocument({
    mask: mask.toString(),
    settings: repairs.settings,
    chunks,
    pruned,
    repaired,
    tensors: repairs.tensors,
    evaluation: evaluation === null ? null : yield* evaluate(evaluation, repairs, mask),
    backend: model.backend.description,
    seconds: journal.seconds(REPAIR_KEY),
  });
  const after = repairFigures(chunks, { dense: repaired.dense, pruned, repaired: repaired.repaired });
  const scoredTokens = pruned.reduce((sum, { targets }) => sum + targets, 0);
  return { repair: { ...document, whole: after }, scoredTokens };
}

/** The pruned model's scores of the text that was fitted on, through the journal. */
function prunedScores({ model, chunks, journal, groupSize }: ResultRepair, mask: Mask): Telling<ChunkScore[]> {
  const key = `${REPAIR_KEY}pruned by ${mask.toString()}`;
  const measured = { journal, key, chunks, mask, groupSize, model: () => Promise.resolve(model) };
  return mapEvents(journalledScores(measured), evaluating);
}

/** The three models on a text of its own. */
async function* evaluate(evaluation: Evaluation, repairs: Repairs, mask: Mask): Telling<RepairEvaluation> {
  const { chunks } = evaluation;
  const dense = yield* mapEvents(evaluation.plain(Mask.empty), evaluating);
  const pruned = yield* mapEvents(evaluation.plain(mask), evaluating);
  let model: Transformer | null = null;
  const after = async (): Promise<Transformer> => (model ??= await repairs.model(mask));
  try {
    const repaired = yield* mapEvents(evaluation.repaired(repairs.words, mask, after), evaluating);
    return { ...evaluation.summary(dense), ...repairFigures(chunks, { dense, pruned, repaired }) };
  } finally {
    (model as Transformer | null)?.free();
  }
}
