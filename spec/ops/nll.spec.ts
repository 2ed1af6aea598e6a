import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { finishNll, foldNllTile, startNll } from '../../src/ops/nll.ts';
import { normals, seeds } from '../arbitraries.ts';
import { logSumExpOracle } from '../contract/oracles.ts';

/** NLLs for logits given as they are: one input feature of 1, the tile holding the logits. */
function nllOf(logits: readonly number[], target: number, cuts: readonly number[] = []): number {
  const sums = startNll(1);
  const bounds = [0, ...cuts, logits.length];
  for (const [index, from] of bounds.slice(0, -1).entries()) {
    const tile = Float32Array.from(logits.slice(from, bounds[index + 1]));
    foldNllTile(sums, Float32Array.of(1), tile, null, from, Int32Array.of(target), 1, 1, tile.length);
  }
  const out = new Float32Array(1);
  finishNll(out, sums, 1);
  return out[0];
}

const someLogits = fc.array(fc.float({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('foldNllTile', () => {
  test.prop([someLogits, fc.nat()])('is log-softmax, for logits up to ±1e4', (logits, some) => {
    const target = some % logits.length;
    const expected = logSumExpOracle(logits) - logits[target];
    expect(Math.abs(nllOf(logits, target) - expected)).toBeLessThanOrEqual(1e-7 * Math.abs(expected) + 1e-11);
  });

  test.prop([someLogits, fc.nat(), fc.nat(), fc.nat()])(
    'is bit-equal however the vocabulary is cut',
    (logits, some, a, b) => {
      const target = some % logits.length;
      const cuts = [a % (logits.length + 1), b % (logits.length + 1)].sort((x, y) => x - y);
      expect(nllOf(logits, target, cuts)).toBe(nllOf(logits, target));
    },
  );

  test.prop([someLogits])('is a distribution over targets', (logits) => {
    const total = logits.reduce((sum, _, target) => sum + Math.exp(-nllOf(logits, target)), 0);
    // Each NLL carries f32's relative error, and only those below about 20 count.
    expect(Math.abs(total - 1)).toBeLessThan(1e-5);
  });

  it('gives ln V for equal logits and NaN for no target', () => {
    expect(
      nllOf(
        Array.from({ length: 50 }, () => 3),
        7,
      ),
    ).toBeCloseTo(Math.log(50), 6);
    expect(nllOf([1, 2, 3], -1)).toBeNaN();
    expect(nllOf([1, 2, 3], 3)).toBeNaN();
  });

  test.prop([fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 20 }), seeds])(
    'multiplies rows by the tile and adds its bias',
    (rows, inFeatures, vocabulary, seed) => {
      const [x, tile] = [normals(seed, rows * inFeatures), normals(seed + 1, vocabulary * inFeatures)];
      const bias = normals(seed + 2, vocabulary);
      const targets = Int32Array.from({ length: rows }, (_, row) => row % vocabulary);
      const sums = startNll(rows);
      foldNllTile(sums, x, tile, bias, 0, targets, rows, inFeatures, vocabulary);
      const out = new Float32Array(rows);
      finishNll(out, sums, rows);
      for (let row = 0; row < rows; row++) {
        const logits = Array.from(bias, (shift, id) => {
          const weights = tile.slice(id * inFeatures, (id + 1) * inFeatures);
          return weights.reduce((sum, w, i) => sum + w * x[row * inFeatures + i], 0) + shift;
        });
        expect(out[row]).toBeCloseTo(logSumExpOracle(logits) - logits[targets[row]], 5);
      }
    },
  );
});
