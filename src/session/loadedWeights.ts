import type { Backend } from '../backends/backend.ts';
import { countParameters } from '../model/parameters.ts';
import { Transformer } from '../model/transformer.ts';
import type { WeightSource } from '../model/weights.ts';
import type { NllSum } from '../ops/nll.ts';
import {
  memoryNeeds,
  modelsOf,
  mostMemory,
  planMemory,
  planStreams,
  spareBytes,
  type MemoryRemedy,
  type Workload,
} from './memoryPlan.ts';

/** A model under a plan of its memory. */
export interface Planned {
  readonly model: Transformer;
  /** Budget for residual streams and what a block needs while it runs. */
  readonly activationBytes: number;
  /** Budget for packed weights: the model's, and that of each other one held beside it. */
  readonly weightBytes: number;
  /** What is left for streams kept from step to step. */
  readonly spareBytes: number;
  /** Host memory for streams, as far as the workload named any and there is room. */
  readonly streamBytes: number;
}

/**
 * A model's weights on a backend, from one piece of work to the next. They stay packed as long as
 * the next leaves them room, and adds up over the vocabulary in the same way.
 */
export class LoadedWeights {
  readonly #source: WeightSource;
  readonly #backend: Backend;
  readonly #memoryBytes: number;
  readonly #remedy: MemoryRemedy | undefined;
  /** What all weights take when they are packed. */
  readonly #packedBytes: number;
  #loaded: { model: Transformer; weightBytes: number } | null = null;

  /**
   * @param memoryBytes for everything; a backend with less has what it has.
   * @param remedy what to say where that is too little.
   */
  constructor(source: WeightSource, backend: Backend, memoryBytes: number, remedy?: MemoryRemedy) {
    this.#source = source;
    this.#backend = backend;
    this.#memoryBytes = memoryBytes;
    this.#remedy = remedy;
    this.#packedBytes = 4.1 * countParameters(source).total;
  }

  /**
   * The model, with memory shared out for `workload`. A model given earlier is not to be used
   * again.
   * @throws MemoryBudgetError when there is less memory than the model and a chunk need.
   */
  async under(workload: Workload, nllSum: NllSum = 'f64'): Promise<Planned> {
    const needs = memoryNeeds(this.#source, workload, this.#backend);
    // What is held outside takes nothing from the backend's own limit.
    const { name, capacityBytes } = this.#backend;
    const { hostBytes } = needs;
    const streamBytes = planStreams(this.#memoryBytes, needs, capacityBytes);
    const memoryBytes = Math.min(this.#memoryBytes - streamBytes, capacityBytes + hostBytes);
    const plan = planMemory(memoryBytes, needs, mostMemory({ name }) + hostBytes, this.#remedy);
    const weightBytes = plan.weightBytes / modelsOf(workload);
    const held = Math.min(this.#loaded?.weightBytes ?? Infinity, this.#packedBytes);
    if (this.#loaded === null || this.#loaded.model.nllSum !== nllSum || held > weightBytes) {
      this.free();
      const model = await Transformer.load(this.#source, this.#backend, weightBytes, nllSum);
      this.#loaded = { model, weightBytes };
    }
    const { activationBytes } = plan;
    const spare = spareBytes(this.#source, { activationBytes, weightBytes });
    return { model: this.#loaded.model, activationBytes, weightBytes, spareBytes: spare, streamBytes };
  }

  free(): void {
    this.#loaded?.model.free();
    this.#loaded = null;
  }
}
