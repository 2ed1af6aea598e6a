/**
 * What a least-squares fit needs to know of its rows: sums of products, which take as much memory
 * for a million tokens as for one, and which may be taken over any groups of rows and added.
 */
import { ShapeError } from '../errors.ts';
import type { Floats } from '../ops/floats.ts';

/** The size of a fit: how wide the inputs and the outputs are, and whether there is a bias. */
export interface FitShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
}

/**
 * Sums over rows of products of A [rows, inputs], the inputs of an output matrix, and R [rows,
 * outputs], what is missing of its outputs.
 */
export interface FitSums {
  readonly shape: FitShape;
  readonly rows: number;
  /** AᵀA [inputs, inputs]. */
  readonly gram: Float64Array;
  /** RᵀA [outputs, inputs], which lies like a weight in Hugging Face's layout. */
  readonly cross: Float64Array;
  /** Σ A of each input, and Σ R of each output; zeros without a bias, which does not need them. */
  readonly inputSums: Float64Array;
  readonly outputSums: Float64Array;
}

/** Columns of [A | R | 1]. */
export function fitWidth({ inputs, outputs, bias }: FitShape): number {
  return inputs + outputs + (bias ? 1 : 0);
}

/**
 * Sums over rows of [A | R | 1]ᵀ[A | R | 1], in f64, with a column of ones where there is a bias.
 *
 * Numerics: a Gram matrix arrives rounded to f32 once for each group of rows, from sums in f64
 * (`Statistics.gram`). Two ways to group the same rows therefore differ in each element by no more
 * than 2⁻²⁴ times the sum of the absolute values of what was added, for either grouping. Since
 * |Σ x y| ≤ √(Σ x² Σ y²) in each group, that is at most 2⁻²⁴ √(G_ii G_jj) for the element (i, j).
 */
export class NormalEquations implements FitSums {
  readonly shape: FitShape;
  rows = 0;
  readonly gram: Float64Array;
  readonly cross: Float64Array;
  /** Σ R² of each output. */
  readonly squares: Float64Array;
  readonly inputSums: Float64Array;
  readonly outputSums: Float64Array;

  constructor(shape: FitShape) {
    this.shape = shape;
    this.gram = new Float64Array(shape.inputs * shape.inputs);
    this.cross = new Float64Array(shape.outputs * shape.inputs);
    this.squares = new Float64Array(shape.outputs);
    this.inputSums = new Float64Array(shape.inputs);
    this.outputSums = new Float64Array(shape.outputs);
  }

  /** Columns of [A | R | 1]. */
  get width(): number {
    return fitWidth(this.shape);
  }

  /**
   * Adds the Gram matrix [width, width] of `rows` rows of [A | R | 1]: f32 from a backend, f64
   * where the fit itself is checked.
   * @throws {ShapeError} if the matrix is not of that size or the number of rows is not positive
   */
  add(gram: Floats, rows: number): void {
    const { width } = this;
    const { inputs, outputs, bias } = this.shape;
    if (gram.length !== width * width) {
      throw new ShapeError(`a Gram matrix of ${width} columns has ${width * width} numbers, not ${gram.length}.`);
    }
    if (!Number.isSafeInteger(rows) || rows < 1) {
      throw new ShapeError(`a Gram matrix is of 1 row or more, not of ${rows}.`);
    }
    this.rows += rows;
    for (let i = 0; i < inputs; i++) addTo(this.gram, i * inputs, gram, i * width, inputs);
    for (let i = 0; i < outputs; i++) {
      const row = (inputs + i) * width;
      addTo(this.cross, i * inputs, gram, row, inputs);
      this.squares[i] += gram[row + inputs + i];
    }
    if (!bias) return;
    const ones = (width - 1) * width;
    addTo(this.inputSums, 0, gram, ones, inputs);
    addTo(this.outputSums, 0, gram, ones + inputs, outputs);
  }

  /** Whether every sum is a number: none is NaN, none left f32's range. */
  get isFinite(): boolean {
    const { gram, cross, squares, inputSums, outputSums } = this;
    return [gram, cross, squares, inputSums, outputSums].every((sums) => sums.every(Number.isFinite));
  }
}

function addTo(sums: Float64Array, at: number, values: Floats, from: number, count: number): void {
  for (let i = 0; i < count; i++) sums[at + i] += values[from + i];
}
