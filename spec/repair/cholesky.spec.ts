import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { gram } from '../../src/ops/gram.ts';
import { cholesky, solveRows } from '../../src/repair/cholesky.ts';
import { inverseNormEstimate, symmetricNorm } from '../../src/repair/condition.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';
import { largest } from './fits.ts';

/** Orders around the blocks of 32 columns. */
const orders = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(31, 32, 33, 64, 65, 97));

/** XᵀX of random X with more rows than columns, plus a little of the identity. */
function positiveDefinite(seed: number, size: number): Float64Array {
  const rng = seededRng(seed);
  const x = Float64Array.from({ length: (size + 4) * size }, () => rng.normal());
  const matrix = new Float64Array(size * size);
  gram(matrix, x, size + 4, size);
  for (let i = 0; i < size; i++) matrix[i * size + i] += 0.01;
  return matrix;
}

function drawnRows(seed: number, length: number): Float64Array {
  const rng = seededRng(seed);
  return Float64Array.from({ length }, () => rng.normal());
}

/** The textbook's algorithm, column by column. */
function plainCholesky(matrix: Float64Array, size: number): Float64Array {
  const factor = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    for (let i = j; i < size; i++) {
      let value = matrix[i * size + j];
      for (let k = 0; k < j; k++) value -= factor[i * size + k] * factor[j * size + k];
      factor[i * size + j] = i === j ? Math.sqrt(value) : value / factor[j * size + j];
    }
  }
  return factor;
}

/** A x for a symmetric A. */
function times(matrix: Float64Array, x: Float64Array): Float64Array {
  return x.map((_, i) => x.reduce((sum, value, j) => sum + matrix[i * x.length + j] * value, 0));
}

describe('cholesky', () => {
  test.prop([orders, seeds])('is the textbook’s factor, mirrored into the upper triangle', (size, seed) => {
    const matrix = positiveDefinite(seed, size);
    const factor = matrix.slice();
    expect(cholesky(factor, size)).toBe(true);
    const plain = plainCholesky(matrix, size);
    const limit = 1e-11 * largest(plain);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        expect(Math.abs(factor[i * size + j] - plain[i * size + j])).toBeLessThanOrEqual(limit);
        expect(factor[j * size + i]).toBe(factor[i * size + j]);
      }
    }
  });

  test.prop([orders, seeds])('times its transpose is the matrix', (size, seed) => {
    const matrix = positiveDefinite(seed, size);
    const factor = matrix.slice();
    cholesky(factor, size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k <= j; k++) sum += factor[i * size + k] * factor[j * size + k];
        // Golub & Van Loan, 4.2.7: off by no more than about n ulps of the diagonal.
        const limit = (size + 1) * 2 ** -52 * Math.sqrt(matrix[i * size + i] * matrix[j * size + j]);
        expect(Math.abs(sum - matrix[i * size + j])).toBeLessThanOrEqual(limit);
      }
    }
  });

  test.prop([orders, seeds])('reads the lower triangle alone', (size, seed) => {
    const matrix = positiveDefinite(seed, size);
    const lower = matrix.map((value, index) => (index % size > Math.floor(index / size) ? NaN : value));
    cholesky(matrix, size);
    expect(cholesky(lower, size)).toBe(true);
    expect(lower).toEqual(matrix);
  });

  test.prop([orders, seeds, fc.nat(96)])('says so where a matrix is not positive definite', (size, seed, at) => {
    const matrix = positiveDefinite(seed, size);
    const i = at % size;
    // Less than the square that the other columns explain: zᵀAz < 0 for some z.
    matrix[i * size + i] = -1e-3;
    expect(cholesky(matrix, size)).toBe(false);
  });

  it.each([
    ['zero', [0, 0, 0, 0]],
    ['NaN', [1, 0, NaN, 1]],
    ['infinity', [Infinity, 0, 0, 1]],
    ['rank 1', [1, 1, 1, 1]],
    ['rank 1 but for rounding', [1, 1, 1, 1 + 2 ** -52]],
  ])('%s has no factor', (_, values) => {
    expect(cholesky(Float64Array.from(values), 2)).toBe(false);
  });
});

describe('solveRows', () => {
  test.prop([orders, fc.integer({ min: 1, max: 9 }), seeds])('solves A x = b for every row b', (size, count, seed) => {
    const matrix = positiveDefinite(seed, size);
    const factor = matrix.slice();
    cholesky(factor, size);
    const rows = drawnRows(seed + 1, count * size);
    const solved = rows.slice();
    solveRows(factor, size, solved, count);
    for (let row = 0; row < count; row++) {
      const x = solved.subarray(row * size, (row + 1) * size);
      const left = times(matrix, x).map((value, i) => value - rows[row * size + i]);
      expect(largest(left)).toBeLessThanOrEqual(size * size * 2 ** -50 * largest(matrix) * (1 + largest(x)));
    }
  });

  test.prop([orders, fc.integer({ min: 2, max: 9 }), seeds])(
    'gives each row the bits it has alone',
    (size, count, seed) => {
      const factor = positiveDefinite(seed, size);
      cholesky(factor, size);
      const rows = drawnRows(seed + 1, count * size);
      const alone = rows.slice(size, 2 * size);
      solveRows(factor, size, rows, count);
      solveRows(factor, size, alone, 1);
      expect(rows.slice(size, 2 * size)).toEqual(alone);
    },
  );
});

describe('inverseNormEstimate', () => {
  test.prop([orders, seeds])('is at most the norm of the inverse, and rarely much less', (size, seed) => {
    const factor = positiveDefinite(seed, size);
    cholesky(factor, size);
    const inverse = Float64Array.from({ length: size * size }, (_, index) => (index % (size + 1) === 0 ? 1 : 0));
    solveRows(factor, size, inverse, size);
    const norm = symmetricNorm(inverse, size);
    const estimate = inverseNormEstimate(factor, size);
    expect(estimate).toBeLessThanOrEqual(norm * (1 + 1e-9));
    expect(estimate).toBeGreaterThanOrEqual(norm / 10);
  });

  it('is exact for a diagonal matrix', () => {
    const matrix = Float64Array.of(4, 0, 0, 0, 0.25, 0, 0, 0, 1);
    cholesky(matrix, 3);
    expect(inverseNormEstimate(matrix, 3)).toBe(4);
  });
});

describe('symmetricNorm', () => {
  it('is the largest sum of a row’s absolute values', () => {
    expect(symmetricNorm(Float64Array.of(1, -5, -5, 2), 2)).toBe(7);
  });
});
