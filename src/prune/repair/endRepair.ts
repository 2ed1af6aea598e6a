/**
 * The repair of a run's result, and what it came to: on the chunks that were fitted, on those held
 * out, and on another text where one is given.
 */
import type { Chunks } from '../../eval/chunks.ts';
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
}

/**
 * Repairs what is left without `mask`, and measures it. Fits and scores that the journal holds are
 * not made again.
 * @throws NonFiniteError where the whole model's loss on the evaluation text is not finite.
 */
export async function* repairResult(
  job: ResultRepair,
  repairs: Repairs,
  mask: Mask,
): Telling<Omit<PruneRepair, 'when'>> {
  const { model, chunks, journal, evaluation, groupSize } = job;
  const repaired = yield* mapEvents(repairs.of(mask), (event): MethodEvent => {
    return event.type === 'repaired' ? event : { type: 'repairing', leader: null, fraction: event.fraction };
  });
  const key = `${REPAIR_KEY}pruned by ${mask.toString()}`;
  const whole = { journal, key, chunks, mask, groupSize, model: () => Promise.resolve(model) };
  const pruned = yield* mapEvents(journalledScores(whole), evaluating);
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
  return { ...document, whole: after };
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
