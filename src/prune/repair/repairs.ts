/** The repairs of a run: of its result, and of every leader of a step that repairs in the loop. */
import type { Chunks } from '../../eval/chunks.ts';
import { aggregate, type ChunkScore, type Perplexity } from '../../eval/perplexity.ts';
import { edited, type RewriteEdit } from '../../model/edit.ts';
import type { Mask } from '../../model/mask.ts';
import { Transformer } from '../../model/transformer.ts';
import { walkOf } from '../../model/walk.ts';
import { repair, type Repaired, type RepairEvent, type RepairSettings } from '../../repair/repair.ts';
import type { StoredTensor, TensorStore } from '../../repair/store.ts';
import type { Journal } from '../journal.ts';
import { resultOf } from '../mapEvents.ts';
import { JournalledFits, LeaderFits } from './fitMemory.ts';

/** What a run lends to its repair. Memory changes the time that it takes, never what comes out. */
export interface RepairMeans {
  /** Keeps the fitted tensors. */
  readonly store: TensorStore;
  /** Host memory for residual streams. */
  readonly streamBytes: number;
  /** For the repaired model's packed weights, beside the whole model's. */
  readonly weightBytes: number;
}

export interface RepairSubject extends RepairMeans {
  /** The whole model. */
  readonly model: Transformer;
  /** What is fitted on. */
  readonly chunks: Chunks;
  readonly journal: Journal;
}

/** A leader's repair: the scores of the chunks after it, and which of them no fit has seen. */
export type LeaderScores = {
  readonly scores: readonly { readonly nats: number; readonly targets: number }[];
  readonly heldOut: readonly number[];
};

/** A leader's repair, of which nothing is stored yet. */
interface RepairedLeader {
  readonly mask: string;
  readonly fits: LeaderFits;
  readonly edits: readonly RewriteEdit[];
}

export class Repairs {
  readonly settings: RepairSettings;
  /** The settings in words, as keys have them. */
  readonly words: string;
  readonly #subject: RepairSubject;
  readonly #fits: JournalledFits;
  /** The result so far. */
  #result: { mask: string; edits: readonly RewriteEdit[] } | null = null;
  /** The step's best leader so far; null where it was repaired by a run before this one. */
  #best: RepairedLeader | null = null;
  #latest: RepairedLeader | null = null;

  constructor(subject: RepairSubject, settings: RepairSettings) {
    const { journal, store, model } = subject;
    this.#subject = subject;
    this.settings = settings;
    this.words = wordsOf(settings);
    this.#fits = new JournalledFits(journal, store, model.source, this.words);
  }

  /** The tensors that the last repair of a result changed. */
  get tensors(): StoredTensor[] {
    return this.#fits.tensors;
  }

  /**
   * The repair of what is left without `mask`: found in journal and store as far as they hold it,
   * and kept there; tensors of other masks are done away with.
   */
  async *of(mask: Mask): AsyncGenerator<RepairEvent, Repaired> {
    await this.#settle(mask);
    this.#fits.begin();
    const repaired = yield* this.#repair(mask, this.#fits);
    await this.#fits.dropOthers();
    this.#result = { mask: mask.toString(), edits: repaired.edits };
    return repaired;
  }

  /** A repair that is to be priced only. `judge` says what becomes of its fits. */
  async *ofLeader(mask: Mask): AsyncGenerator<RepairEvent, LeaderScores> {
    const fits = new LeaderFits(this.#fits);
    const { repaired, heldOut, edits } = yield* this.#repair(mask, fits);
    this.#latest = { mask: mask.toString(), fits, edits };
    return { scores: repaired.map(({ nats, targets }) => ({ nats, targets })), heldOut };
  }

  /** What becomes of the last leader's fits: those of the best one are kept at hand. */
  judge(best: boolean): void {
    if (best) this.#best = this.#latest;
    this.#latest = null;
  }

  /** The repaired model, for the caller to free; its mask is to be given to it as before. */
  async model(mask: Mask): Promise<Transformer> {
    const { model, weightBytes } = this.#subject;
    await this.#settle(mask);
    if (this.#result?.mask !== mask.toString()) await resultOf(this.of(mask));
    const { edits = [] } = this.#result ?? {};
    return Transformer.load(edited(model.source, edits), model.backend, weightBytes, model.nllSum);
  }

  /** Where a mask is that of the leader at hand, its fits become the result's. */
  async #settle(mask: Mask): Promise<void> {
    const best = this.#best;
    this.#best = null;
    if (best?.mask !== mask.toString()) return;
    await best.fits.settle();
    await this.#fits.dropOthers();
    this.#result = { mask: best.mask, edits: best.edits };
  }

  #repair(mask: Mask, memory: JournalledFits | LeaderFits): AsyncGenerator<RepairEvent, Repaired> {
    const { model, chunks, streamBytes } = this.#subject;
    return repair({ model, chunks, mask, settings: this.settings, memory, bytes: streamBytes });
  }
}

/** Whether there is anything to repair, and anything to repair it with. */
export function canRepair(model: Transformer, mask: Mask): boolean {
  return mask.size > 0 && walkOf(model.config, mask).length > 0;
}

/** Over some of the chunks. How many bytes they have nobody knows. */
export function perplexityOver(chunks: Chunks, scores: readonly ChunkScore[], some: readonly number[]): Perplexity {
  const of = some.map((index) => scores[index]);
  return aggregate({ ...chunks, scoredBytes: null }, of);
}

function wordsOf({ form, scope, factors }: RepairSettings): string {
  return `${form} ${scope} ${factors.join('/')}`;
}
