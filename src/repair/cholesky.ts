/**
 * Systems with a symmetric positive definite matrix: the factor, and solutions for many right-hand
 * sides. f64 throughout, in blocks, so that nearly all of the work is `subtractProduct`.
 *
 * Reference: Golub & Van Loan, Matrix Computations, 4th edition, §4.2.
 */
import { subtractProduct, type Panel } from './product.ts';

/** Columns that are factorised or solved before the rest is brought up to date with them. */
const BLOCK = 32;
/** The distance from 1 to the next larger f64. */
const F64_ROUNDING = 2 ** -52;

/**
 * Replaces a symmetric positive definite matrix [size, size], of which the lower triangle is read,
 * by its factor L in A = L Lᵀ: L in the lower triangle and Lᵀ in the upper one, so that both
 * triangular solves read along rows.
 * @returns whether there is a factor. A matrix that is not positive definite has none, nor has one
 * where a pivot is left with nothing but rounding, nor one that holds NaN. The array is then left
 * half done.
 */
export function cholesky(matrix: Float64Array, size: number): boolean {
  const part = (row: number, column: number): Panel => {
    return { values: matrix, at: row * size + column, stride: size };
  };
  const least = Float64Array.from({ length: size }, (_, i) => size * F64_ROUNDING * matrix[i * size + i]);
  for (let from = 0; from < size; from += BLOCK) {
    const to = Math.min(size, from + BLOCK);
    // What the columns to the left contribute to this block of columns, from the diagonal down.
    subtractProduct(part(from, from), part(from, 0), part(from, 0), size - from, to - from, from);
    if (!factorColumns(matrix, size, [from, to], least)) return false;
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) matrix[j * size + i] = matrix[i * size + j];
  return true;
}

/**
 * The textbook algorithm on columns from ≤ j < to, with all columns before them subtracted. `least`
 * is what a pivot's square must exceed.
 */
function factorColumns(
  matrix: Float64Array,
  size: number,
  [from, to]: readonly [number, number],
  least: Float64Array,
): boolean {
  for (let j = from; j < to; j++) {
    const pivotRow = j * size;
    let square = matrix[pivotRow + j];
    for (let k = from; k < j; k++) square -= matrix[pivotRow + k] * matrix[pivotRow + k];
    if (!(square > least[j] && square < Infinity)) return false;
    const pivot = Math.sqrt(square);
    matrix[pivotRow + j] = pivot;
    for (let i = j + 1; i < size; i++) {
      const row = i * size;
      let value = matrix[row + j];
      for (let k = from; k < j; k++) value -= matrix[row + k] * matrix[pivotRow + k];
      matrix[row + j] = value / pivot;
    }
  }
  return true;
}

/**
 * Solves A x = b for every row b of `rows` [count, size], in place. `factor` is A's, as `cholesky`
 * leaves it.
 */
export function solveRows(factor: Float64Array, size: number, rows: Float64Array, count: number): void {
  const known = (column: number): Panel => ({ values: rows, at: column, stride: size });
  const part = (row: number, column: number): Panel => {
    return { values: factor, at: row * size + column, stride: size };
  };
  for (let from = 0; from < size; from += BLOCK) {
    const to = Math.min(size, from + BLOCK);
    subtractProduct(known(from), known(0), part(from, 0), count, to - from, from);
    for (let row = 0; row < count * size; row += size) solveForward(factor, size, rows, row, [from, to]);
  }
  for (let to = size; to > 0; to -= to % BLOCK || BLOCK) {
    const from = to - (to % BLOCK || BLOCK);
    subtractProduct(known(from), known(to), part(from, to), count, to - from, size - to);
    for (let row = 0; row < count * size; row += size) solveBackward(factor, size, rows, row, [from, to]);
  }
}

/** L y = b for the unknowns from ≤ i < to of the right-hand side that begins at `row`. */
function solveForward(
  factor: Float64Array,
  size: number,
  rows: Float64Array,
  row: number,
  [from, to]: readonly [number, number],
): void {
  for (let i = from; i < to; i++) {
    let value = rows[row + i];
    for (let k = from; k < i; k++) value -= factor[i * size + k] * rows[row + k];
    rows[row + i] = value / factor[i * size + i];
  }
}

/** Lᵀ x = y for the unknowns from ≤ i < to, the last one first. */
function solveBackward(
  factor: Float64Array,
  size: number,
  rows: Float64Array,
  row: number,
  [from, to]: readonly [number, number],
): void {
  for (let i = to - 1; i >= from; i--) {
    let value = rows[row + i];
    for (let k = i + 1; k < to; k++) value -= factor[i * size + k] * rows[row + k];
    rows[row + i] = value / factor[i * size + i];
  }
}
