/**
 * The repair of a run's result, and what it came to: on the chunks that were fitted, on those held
 * out, and on another text where one is given.
 */
import type { Chunks } from '../../eval/chunks.ts';
import { conventionOf, hashTokens, summarise } from '../../eval/convention.ts';
import { requireFiniteLoss } from '../../eval/nonFinite.ts';
import { scoreChunk, type ChunkScore } from '../../eval/perplexity.ts';
import { Mask } from '../../model/mask.ts';
import type { Transformer } from '../../model/transformer.ts';
import type { Hasher } from '../../platform/sha256.ts';
import { repairDocument, repairFigures, type RepairEvaluation } from '../../repair/document.ts';
import { appendAll } from '../appendAll.ts';
import type { Journal } from '../journal.ts';
import { mapEvents } from '../mapEvents.ts';
import type { MethodEvent, Telling } from '../method.ts';
import { once } from '../once.ts';
import type { PruneRepair } from '../result.ts';
import { REPAIR_KEY } from './fitMemory.ts';
import type { Repairs } from './repairs.ts';

/** A text that neither search nor repair has seen. */
export interface EvalText {
  readonly name: string;
  readonly chunks: Chunks;
}

/** What the result is measured with. */
export interface ResultRepair {
  /** The whole model. */
  readonly model: Transformer;
  /** What was fitted on. */
  readonly chunks: Chunks;
  readonly journal: Journal;
  readonly evaluation: EvalText | null;
  /** How many chunks go through the model together. */
  readonly groupSize: number;
  readonly newHasher: () => Hasher;
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
  const { model, chunks, journal, evaluation } = job;
  const repaired = yield* mapEvents(repairs.of(mask), (event): MethodEvent => {
    return event.type === 'repaired' ? event : { type: 'repairing', leader: null, fraction: event.fraction };
  });
  const pruned = yield* measured(job, `pruned by ${mask.toString()}`, model, chunks, mask);
  const document = repairDocument({
    mask: mask.toString(),
    settings: repairs.settings,
    chunks,
    pruned,
    repaired,
    tensors: repairs.tensors,
    evaluation: evaluation === null ? null : yield* evaluate(job, evaluation, repairs, mask),
    backend: model.backend.description,
    seconds: journal.seconds(REPAIR_KEY),
  });
  const whole = repairFigures(chunks, { dense: repaired.dense, pruned, repaired: repaired.repaired });
  return { ...document, whole };
}

/** The three models on a text of its own. */
async function* evaluate(
  job: ResultRepair,
  { name, chunks }: EvalText,
  repairs: Repairs,
  mask: Mask,
): Telling<RepairEvaluation> {
  const { model, newHasher } = job;
  const hash = hashTokens(chunks, newHasher());
  const on = `on ${hash}`;
  const dense = yield* measured(job, `whole ${on}`, model, chunks, Mask.empty);
  const pruned = yield* measured(job, `pruned by ${mask.toString()} ${on}`, model, chunks, mask);
  const after = await repairs.model(mask);
  try {
    const repaired = yield* measured(job, `${repairs.words} of ${mask.toString()} ${on}`, after, chunks, mask);
    const scored = dense.reduce((sum, { targets }) => sum + targets, 0);
    return {
      data: summarise(name, chunks, scored, hash),
      convention: conventionOf(chunks, model.nllSum),
      ...repairFigures(chunks, { dense, pruned, repaired }),
    };
  } finally {
    after.free();
  }
}

/** Chunks that are measured at once, and kept as one piece. */
const GROUP = 8;

/** A text's scores, group by group through the journal. */
async function* measured(
  { journal, groupSize }: ResultRepair,
  what: string,
  model: Transformer,
  chunks: Chunks,
  mask: Mask,
): Telling<ChunkScore[]> {
  const scores: ChunkScore[] = [];
  for (let from = 0; from < chunks.ids.length; from += GROUP) {
    const group = yield* once(journal, `${REPAIR_KEY}${what} from chunk ${from}`, async () => {
      const found: { nats: number; targets: number }[] = [];
      const to = Math.min(from + GROUP, chunks.ids.length);
      for (let next = from; next < to; next += groupSize) {
        const nll = await model.nll(chunks.ids.slice(next, Math.min(next + groupSize, to)), mask);
        for (const [index, rows] of nll.entries()) found.push(scoreChunk(chunks, next + index, rows));
      }
      if (mask.size === 0) await requireFiniteLoss(model, chunks, mask, found, from);
      return found;
    });
    appendAll(scores, group);
  }
  return scores;
}
