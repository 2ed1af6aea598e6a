/** How well a changed output matrix does on rows of which only sums are known. */
import type { FitSums, NormalEquations } from './normalEquations.ts';
import { subtractProduct } from './product.ts';

/** What is added to an output matrix [outputs, inputs] and to its bias [outputs], in f64. */
export interface Change {
  readonly weight: Float64Array;
  readonly bias: Float64Array | null;
}

/** Half of the distance between neighbours in f32, relative to them. */
const F32_ROUNDING = 2 ** -24;
/** Inputs whose products with all those before them are taken together. */
const BLOCK = 32;

/** Σ R² over all rows and outputs: the error of a matrix that is not changed. */
export function errorBefore({ squares }: NormalEquations): number {
  return squares.reduce((sum, square) => sum + square, 0);
}

/** Σ ‖R − A Δ − 1 βᵀ‖² over the rows, after a change Δ, β. Rounding does not take it below 0. */
export function errorAfter(sums: NormalEquations, change: Change): number {
  return Math.max(0, errorBefore(sums) + errorAdded(sums, change));
}

/**
 * What a change Δ [inputs, outputs], β [outputs] adds to the error, which is negative where it
 * helps: −2⟨Δ, AᵀR⟩ + ⟨Δ, AᵀA Δ⟩ + Σ_c β_c (n β_c − 2 Σ R_c + 2 ⟨Σ A, Δ_c⟩).
 */
export function errorAdded({ shape, rows, gram, cross, inputSums, outputSums }: FitSums, change: Change): number {
  const { inputs, outputs } = shape;
  let added = quadraticForm(gram, inputs, change.weight, outputs) - 2 * dot(change.weight, cross);
  if (change.bias === null) return added;
  for (const [output, shift] of change.bias.entries()) {
    const moved = dot(change.weight.subarray(output * inputs, (output + 1) * inputs), inputSums);
    added += shift * (rows * shift - 2 * outputSums[output] + 2 * moved);
  }
  return added;
}

/**
 * How far off the error after a change may be because the sums arrived in f32: an element (i, j) of
 * the Gram matrix of [A | R | 1] is off by 2⁻²⁴ √(G_ii G_jj) at most, and so is each of the terms.
 */
export function errorRounding({ shape, rows, gram, squares }: NormalEquations, change: Change): number {
  const { inputs, outputs } = shape;
  const lengths = Float64Array.from({ length: inputs }, (_, i) => Math.sqrt(gram[i * inputs + i]));
  let rounding = 0;
  for (let output = 0; output < outputs; output++) {
    let terms = Math.sqrt(squares[output]) + Math.abs(change.bias?.[output] ?? 0) * Math.sqrt(rows);
    for (let i = 0; i < inputs; i++) terms += Math.abs(change.weight[output * inputs + i]) * lengths[i];
    rounding += F32_ROUNDING * terms * terms;
  }
  return rounding;
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

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
