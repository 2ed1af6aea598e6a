/**
 * A text that neither search nor repair has seen (`--eval`). A run measures it on the dense model
 * and on the model that each step leaves: what was chosen because it was lowest on one text is
 * judged on another.
 */
import type { Chunks } from '../eval/chunks.ts';
import { conventionOf, hashTokens, summarise, type Convention, type DataSummary } from '../eval/convention.ts';
import { requireFiniteLoss } from '../eval/nonFinite.ts';
import { scoreChunk, type ChunkScore } from '../eval/perplexity.ts';
import type { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Hasher } from '../platform/sha256.ts';
import { appendAll } from './appendAll.ts';
import type { EvaluatingEvent } from './events.ts';
import type { Journal } from './journal.ts';
import { once } from './once.ts';
import { planGroup } from './pricing/plan.ts';

export interface EvalText {
  readonly name: string;
  readonly chunks: Chunks;
}

/** Tells the share that is measured, 0 … 1, before each group that the journal does not hold. */
type Measuring = AsyncGenerator<number, ChunkScore[]>;

/** A measurement's progress as a run's event. */
export function evaluating(fraction: number): EvaluatingEvent {
  return { type: 'evaluating', fraction };
}

interface EvaluationSubject {
  /** The whole model. */
  readonly model: Transformer;
  readonly journal: Journal;
  /** How many chunks go through the model together; changes the time, never what comes out. */
  readonly groupSize: number;
  readonly newHasher: () => Hasher;
}

/** Measures the text. Scores that the journal holds are not measured again. */
export class Evaluation {
  readonly chunks: Chunks;
  readonly #subject: EvaluationSubject;
  readonly #name: string;
  readonly #hash: string;

  constructor(subject: EvaluationSubject, { name, chunks }: EvalText) {
    this.chunks = chunks;
    this.#subject = subject;
    this.#name = name;
    this.#hash = hashTokens(chunks, subject.newHasher());
  }

  /**
   * Scores of the whole model, or of what is left without a mask: [chunk].
   * @throws NonFiniteError where the whole model's loss is not finite.
   */
  plain(mask: Mask): Measuring {
    const { model } = this.#subject;
    const what = mask.size === 0 ? 'dense' : `without ${mask.toString()}`;
    return this.#measured(what, mask, () => Promise.resolve(model));
  }

  /**
   * Scores of what is left without a mask, repaired: [chunk].
   * @param words name the repair in the journal.
   * @param model is asked for where something is to be measured; whoever gives it frees it.
   */
  repaired(words: string, mask: Mask, model: () => Promise<Transformer>): Measuring {
    return this.#measured(`${words} without ${mask.toString()}`, mask, model);
  }

  /** What the text was, and how it was scored. @param dense the whole model's scores. */
  summary(dense: readonly ChunkScore[]): { data: DataSummary; convention: Convention } {
    const scored = dense.reduce((sum, { targets }) => sum + targets, 0);
    return {
      data: summarise(this.#name, this.chunks, scored, this.#hash),
      convention: conventionOf(this.chunks, this.#subject.model.nllSum),
    };
  }

  #measured(what: string, mask: Mask, model: () => Promise<Transformer>): Measuring {
    const { journal, groupSize } = this.#subject;
    const key = `evaluation: ${what} on ${this.#hash}`;
    return journalledScores({ journal, key, chunks: this.chunks, mask, groupSize, model });
  }
}

/** A run's text of `--eval`; null where it has none. */
export function evaluationOf(
  options: Omit<EvaluationSubject, 'journal' | 'groupSize'> & { evaluation?: EvalText; activationBytes: number },
  journal: Journal,
): Evaluation | null {
  const { evaluation, model, activationBytes, newHasher } = options;
  if (evaluation === undefined) return null;
  const groupSize = planGroup(model, evaluation.chunks.chunk, 1, activationBytes);
  return new Evaluation({ model, journal, groupSize, newHasher }, evaluation);
}

/** Tokens that are measured at once and kept as one piece: a kill loses no more. */
const PIECE_TOKENS = 2048;

interface Measured {
  readonly journal: Journal;
  /** What the pieces' keys begin with. */
  readonly key: string;
  readonly chunks: Chunks;
  readonly mask: Mask;
  readonly groupSize: number;
  /** Asked for where something is to be measured; with an empty mask it is the whole model. */
  readonly model: () => Promise<Transformer>;
}

/**
 * A text's scores under a mask, piece by piece through the journal. A piece says itself where the
 * next begins.
 * @throws NonFiniteError where the whole model's loss is not finite.
 */
export async function* journalledScores({ journal, key, chunks, mask, groupSize, model }: Measured): Measuring {
  const total = chunks.ids.length;
  const most = Math.max(1, Math.floor(PIECE_TOKENS / chunks.chunk));
  const scores: ChunkScore[] = [];
  while (scores.length < total) {
    const from = scores.length;
    const piece = yield* once(journal, `${key} from chunk ${from}`, async function* () {
      yield from / total;
      const measured = await model();
      const found: { nats: number; targets: number }[] = [];
      const to = Math.min(from + most, total);
      for (let next = from; next < to; next += groupSize) {
        const nll = await measured.nll(chunks.ids.slice(next, Math.min(next + groupSize, to)), mask);
        for (const [index, rows] of nll.entries()) found.push(scoreChunk(chunks, next + index, rows));
      }
      if (mask.size === 0) await requireFiniteLoss(measured, chunks, mask, found, from);
      return found;
    });
    appendAll(scores, piece);
  }
  return scores;
}
