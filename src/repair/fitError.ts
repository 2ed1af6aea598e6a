/** How well a changed output matrix does on rows of which only sums are known. */
import type { NormalEquations } from './normalEquations.ts';
import { subtractProduct } from './product.ts';

/** What is added to an output matrix [outputs, inputs] and to its bias [outputs], in f64. */
export interface Change {
  readonly weight: Float64Array;
  readonly bias: Float64Array | null;
}

export interface FitError {
  /** Σ ‖R − A Δ − 1 βᵀ‖² over the rows; no less than 0. */
  readonly squares: number;
  /** How far off that may be because the sums arrived in f32. */
  readonly rounding: number;
}

/** Half of the distance between neighbours in f32, relative to them. */
const F32_ROUNDING = 2 ** -24;
/** Inputs whose products with all those before them are taken together. */
const BLOCK = 32;

/**
 * The sum of squares that is left of R after a change Δ [inputs, outputs], β [outputs]:
 *
 *   Σ R² − 2⟨Δ, AᵀR⟩ + ⟨Δ, AᵀA Δ⟩ + Σ_c β_c (n β_c − 2 Σ R_c + 2 ⟨Σ A, Δ_c⟩).
 */
export function fitError(sums: NormalEquations, { weight, bias }: Change): FitError {
  const { inputs, outputs } = sums.shape;
  let squares = quadraticForm(sums.gram, inputs, weight, outputs);
  let rounding = 0;
  for (let output = 0; output < outputs; output++) {
    const at = output * inputs;
    const shift = bias === null ? 0 : bias[output];
    let product = 0;
    let shifted = 0;
    let size = Math.sqrt(sums.squares[output]) + Math.abs(shift) * Math.sqrt(sums.rows);
    for (let i = 0; i < inputs; i++) {
      product += weight[at + i] * sums.cross[at + i];
      shifted += weight[at + i] * sums.inputSums[i];
      size += Math.abs(weight[at + i]) * Math.sqrt(sums.gram[i * inputs + i]);
    }
    squares += sums.squares[output] - 2 * product;
    squares += shift * (sums.rows * shift - 2 * sums.outputSums[output] + 2 * shifted);
    rounding += F32_ROUNDING * size * size;
  }
  return { squares: Math.max(0, squares), rounding };
}

/**
 * Σ_c δ_c G δ_cᵀ over the rows δ_c of `rows` [count, size], for a symmetric G [size, size] of which
 * the lower triangle counts twice and the upper one is not read.
 */
function quadraticForm(matrix: Float64Array, size: number, rows: Float64Array, count: number): number {
  let form = 0;
  const products = new Float64Array(count * BLOCK);
  for (let from = 0; from < size; from += BLOCK) {
    const width = Math.min(size, from + BLOCK) - from;
    const target = { values: products, at: 0, stride: BLOCK };
    const blockRows = { values: matrix, at: from * size, stride: size };
    products.fill(0);
    subtractProduct(target, { values: rows, at: 0, stride: size }, blockRows, count, width, from);
    for (let c = 0; c < count; c++) {
      const delta = c * size + from;
      for (let i = 0; i < width; i++) {
        let inside = -2 * products[c * BLOCK + i];
        const row = (from + i) * size + from;
        for (let k = 0; k < i; k++) inside += 2 * matrix[row + k] * rows[delta + k];
        form += rows[delta + i] * (inside + matrix[row + i] * rows[delta + i]);
      }
    }
  }
  return form;
}
