import type { Backend } from '../backends/backend.ts';
import { countParameters } from '../model/parameters.ts';
import { Transformer } from '../model/transformer.ts';
import type { WeightSource } from '../model/weights.ts';
import type { NllSum } from '../ops/nll.ts';
import { memoryNeeds, planMemory, spareBytes } from '../prune/pricing/plan.ts';

/** What a call will run: tokens a chunk, streams beside the unpruned one, how the head adds up. */
export interface Workload {
  readonly chunk: number;
  readonly streams: number;
  readonly nllSum?: NllSum;
}

export interface Planned {
  readonly model: Transformer;
  /** Budget for residual streams. */
  readonly activationBytes: number;
  /** What is left for streams kept from step to step. */
  readonly spareBytes: number;
}

/**
 * The model's weights from call to call. They stay packed as long as the next call leaves them
 * room, and adds up over the vocabulary in the same way.
 */
export class LoadedWeights {
  readonly #source: WeightSource;
  readonly #backend: Backend;
  readonly #budget: { threads: number; memoryBytes: number };
  /** What all weights take when they are packed. */
  readonly #packedBytes: number;
  #loaded: { model: Transformer; weightBytes: number } | null = null;

  constructor(source: WeightSource, backend: Backend, budget: { threads: number; memoryBytes: number }) {
    this.#source = source;
    this.#backend = backend;
    this.#budget = budget;
    this.#packedBytes = 4.1 * countParameters(source).total;
  }

  /** @throws MemoryBudgetError when there is less memory than the model and a chunk need. */
  async under({ chunk, streams, nllSum = 'f64' }: Workload): Promise<Planned> {
    const { threads, memoryBytes } = this.#budget;
    const needs = memoryNeeds(this.#source, chunk, streams, threads);
    const most = this.#backend.name === 'simd' ? 2 ** 32 : Infinity;
    const plan = planMemory(Math.min(memoryBytes, this.#backend.capacityBytes), needs, most);
    const held = Math.min(this.#loaded?.weightBytes ?? Infinity, this.#packedBytes);
    if (this.#loaded === null || this.#loaded.model.nllSum !== nllSum || held > plan.weightBytes) {
      this.free();
      const model = await Transformer.load(this.#source, this.#backend, plan.weightBytes, nllSum);
      this.#loaded = { model, weightBytes: plan.weightBytes };
    }
    const { activationBytes } = plan;
    return { model: this.#loaded.model, activationBytes, spareBytes: spareBytes(this.#source, plan) };
  }

  free(): void {
    this.#loaded?.model.free();
    this.#loaded = null;
  }
}
