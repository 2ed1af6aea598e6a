import type { Chunks } from '../../eval/chunks.ts';
import type { Mask } from '../../model/mask.ts';
import type { Transformer } from '../../model/transformer.ts';
import type { LoopModels } from '../evaluatedSearch.ts';
import type { DenseChunks } from '../pricing/denseChunks.ts';
import { localPricer } from '../pricing/localPricer.ts';
import type { Priced, Pricer, PricingJob, PricingProgress } from '../pricing/pricer.ts';
import type { WalkKeeper } from '../pricing/walkKeeper.ts';
import { canRepair, type Repairs } from './repairs.ts';

interface Open {
  readonly mask: string;
  readonly pricer: Pricer;
  readonly model: Transformer;
}

/**
 * Prices on top of the repair of a job's mask: as a search asks for them, all jobs of one mask
 * before those of the next. A model is repaired, and its weights are read, at the first job that
 * needs it: a resumed run whose prices are all in the journal never does.
 */
export class RepairedPricer implements Pricer, LoopModels {
  readonly variant: string;
  readonly groupSize: number;
  readonly #whole: Transformer;
  readonly #chunks: Chunks;
  readonly #repairs: Repairs;
  readonly #keeper: WalkKeeper | null;
  readonly #dense: DenseChunks | null;
  #open: Open | null = null;

  /** @param whole the model before anything was removed: what a job without a mask is priced on. */
  constructor(
    whole: Transformer,
    chunks: Chunks,
    repairs: Repairs,
    groupSize: number,
    keeper: WalkKeeper | null = null,
    dense: DenseChunks | null = null,
  ) {
    this.variant = whole.backend.variant;
    this.groupSize = groupSize;
    this.#whole = whole;
    this.#chunks = chunks;
    this.#repairs = repairs;
    this.#keeper = keeper;
    this.#dense = dense;
  }

  async *price(job: PricingJob): AsyncGenerator<PricingProgress, Priced> {
    const { pricer } = await this.#under(job.mask);
    return yield* pricer.price(job);
  }

  get words(): string {
    return this.#repairs.words;
  }

  repairs(mask: Mask): boolean {
    return canRepair(this.#whole, mask);
  }

  /** What a job of this mask is priced on, until the first of another mask. */
  async model(mask: Mask): Promise<Transformer> {
    return (await this.#under(mask)).model;
  }

  async close(): Promise<void> {
    await this.#open?.pricer.close();
    if (this.#open !== null && this.#open.model !== this.#whole) this.#open.model.free();
    this.#open = null;
  }

  async #under(mask: Mask): Promise<Open> {
    if (this.#open?.mask === mask.toString()) return this.#open;
    await this.close();
    const model = mask.size === 0 ? this.#whole : await this.#repairs.model(mask);
    const pricer = localPricer(model, this.#chunks, {
      groupSize: this.groupSize,
      keeper: this.#keeper,
      dense: this.#dense,
      modelName: model === this.#whole ? null : this.#repairs.words,
    });
    this.#open = { mask: mask.toString(), pricer, model };
    return this.#open;
  }
}
