import { describe, expect, test } from 'vitest';
import type { Backend, DeviceTensor, Scope } from '../../src/backends/backend.ts';
import { normals } from '../arbitraries.ts';
import { expectSameBits, type Limits } from './compare.ts';
import { caseSuite } from './opSuite.ts';
import { drawnStatisticsCases, namedStatisticsCases } from './statisticsCases.ts';

const tiny = normals(1, 9).map((value) => value * 1e-30);
const huge = normals(2, 9).map((value) => value * 1e30);
const usual = normals(3, 9);
const zeros = new Float32Array(9);

/**
 * Row pairs whose sums of squares leave f32's range, or vanish: what is right is known without an
 * oracle.
 */
const pairs: [what: string, x: Float32Array, y: Float32Array, cosine: number][] = [
  ['rows of 1e30', huge, huge, 1],
  ['rows of 1e−30', tiny, tiny, 1],
  ['a row of 1e30 and the opposite of it at 1', huge, huge.map((value) => -value * 1e-30), -1],
  ['two rows of zeros', zeros, zeros, 1],
  ['a row of zeros and another one', zeros, usual, 0],
  ['a row and one of zeros', usual, zeros, 0],
];

/** Sums over activations: right within `limits`, which say how a backend adds up. */
export function statisticsSuite(backend: () => Backend, limits: Limits): void {
  const inScope = async (make: (scope: Scope) => DeviceTensor): Promise<Float32Array> => {
    const scope = backend().scope();
    try {
      return await backend().download(make(scope));
    } finally {
      scope.close();
    }
  };

  describe('statistics', () => {
    caseSuite(backend, limits, namedStatisticsCases, drawnStatisticsCases);

    test.each([1, 12, 61])('gram is symmetric to the bit, and its diagonal columnSquares: %s columns', async (cols) => {
      const x = normals(cols, 150 * cols);
      const found = await inScope((scope) => scope.gram(scope.upload(x, 150, cols)));
      const turned = found.map((_, index) => found[(index % cols) * cols + Math.floor(index / cols)]);
      expectSameBits(turned, found);
      const squares = await inScope((scope) => scope.columnSquares(scope.upload(x, 150, cols)));
      for (const [i, square] of squares.entries()) {
        expect(Math.abs(found[i * cols + i] - square)).toBeLessThanOrEqual(2 ** -20 * square);
      }
    });

    test.each(pairs)('rowCosines of %s', async (_, x, y, cosine) => {
      const found = await inScope((scope) => scope.rowCosines(scope.upload(x, 1, 9), scope.upload(y, 1, 9)));
      expect(found).toHaveLength(1);
      expect(Math.abs(found[0] - cosine)).toBeLessThanOrEqual(1e-6);
    });

    // NaN, or infinite where a shading language does not know NaN: nothing that could be taken for
    // a cosine.
    test.each([NaN, Infinity])('rowCosines of a row with %s is not finite, and its neighbours are', async (value) => {
      const [x, y] = [normals(4, 27), normals(5, 27)];
      x[13] = value;
      const found = await inScope((scope) => scope.rowCosines(scope.upload(x, 3, 9), scope.upload(y, 3, 9)));
      expect([...found].map(Number.isFinite)).toEqual([true, false, true]);
    });

    test('keep what is left of sums that cancel: 2²⁶ + 1 − 2²⁶, 64 times', async () => {
      const x = Float32Array.from({ length: 3 * 64 * 2 }, (_, index) => {
        const [row, column] = [Math.floor(index / 2) % 3, index % 2];
        return row === 1 ? 1 : row === 2 && column === 1 ? -(2 ** 13) : 2 ** 13;
      });
      const found = await inScope((scope) => scope.gram(scope.upload(x, 3 * 64, 2)));
      // Σ |terms| is 64 · 2²⁷; the limits say how much of it may be lost.
      const lost = 2 ** -23 * (limits.resultUlps * 64 + limits.termUlps * (Math.sqrt(192) / 4) * 64 * 2 ** 27);
      expect(Math.abs(found[1] - 64)).toBeLessThanOrEqual(lost);
    });
  });
}
