/** Gradients by name, added up in f64 until they are handed over. */
import type { Floats } from '../backends/gradients.ts';
import { NonFiniteError } from '../errors.ts';
import { elementsOf, type WeightSource } from '../model/weights.ts';
import type { Parameters } from './parameters.ts';

/** A tensor of a model and the loss's gradient with respect to it, both row-major in its shape. */
export interface WeightGradient {
  readonly name: string;
  readonly shape: readonly number[];
  readonly weight: Floats;
  readonly gradient: Float64Array;
}

export class GradientSums {
  readonly #source: WeightSource;
  readonly #sums = new Map<string, Float64Array>();

  constructor(source: WeightSource) {
    this.#source = source;
  }

  add(name: string, values: Floats): void {
    const sum = this.#sumOf(name);
    for (let i = 0; i < sum.length; i++) sum[i] += values[i];
  }

  /** Adds row r of `values` to row `ids[r]` of a table's gradient. */
  addRows(name: string, values: Floats, ids: Int32Array): void {
    const sum = this.#sumOf(name);
    const cols = values.length / ids.length;
    for (let row = 0; row < ids.length; row++) {
      for (let i = 0; i < cols; i++) sum[ids[row] * cols + i] += values[row * cols + i];
    }
  }

  /**
   * Hands over the gradients of the given weights, in their order, and forgets them.
   * @throws NonFiniteError for one that is not finite.
   */
  *take(weights: Parameters): Generator<{ type: 'gradient' } & WeightGradient, void> {
    for (const [name, { shape, data: weight }] of weights) {
      const gradient = this.#sums.get(name);
      if (gradient === undefined) continue;
      this.#sums.delete(name);
      const wrong = gradient.findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) {
        throw new NonFiniteError(
          `the gradient of ${name} is ${gradient[wrong]} at ${wrong}, though the loss is finite.`,
          {
            where: this.#source.name,
            remedy: 'Look at the weights: some are so large that their products overflow.',
          },
        );
      }
      yield { type: 'gradient', name, shape, weight, gradient };
    }
  }

  #sumOf(name: string): Float64Array {
    let sum = this.#sums.get(name);
    if (sum === undefined) {
      sum = new Float64Array(elementsOf(this.#source, name));
      this.#sums.set(name, sum);
    }
    return sum;
  }
}
