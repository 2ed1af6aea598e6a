import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { crossEntropy } from '../../src/ops/crossEntropy.ts';
import { finishNll, foldNllTile, startNll } from '../../src/ops/nll.ts';
import { normals, seeds } from '../arbitraries.ts';
import { doubles, expectDerivative } from './differences.ts';

const shape = fc.integer({ min: 1, max: 9 }).chain((vocab) =>
  fc.record({
    vocab: fc.constant(vocab),
    targets: fc.array(fc.integer({ min: -1, max: vocab - 1 }), { minLength: 1, maxLength: 5 }),
  }),
);

function run(logits: Float64Array, targets: Int32Array, weight: number, vocab: number): [Float64Array, Float64Array] {
  const [nll, dLogits] = [new Float64Array(targets.length), new Float64Array(logits.length)];
  crossEntropy(nll, dLogits, logits, targets, weight, targets.length, vocab);
  return [nll, dLogits];
}

describe('crossEntropy', () => {
  test.prop([shape, seeds, fc.constantFrom(1, 0.25)], { numRuns: 60 })(
    'has the slopes that differences of its loss say; rows without a target have none',
    ({ vocab, targets: list }, seed, weight) => {
      const targets = Int32Array.from(list);
      const logits = doubles(seed, targets.length * vocab).map((value) => 3 * value);
      const loss = (): number => weight * run(logits, targets, weight, vocab)[0].reduce((a, b) => a + b, 0);
      const [nll, dLogits] = run(logits, targets, weight, vocab);
      expectDerivative(dLogits, loss, logits);
      for (const [row, target] of targets.entries()) {
        const slopes = dLogits.slice(row * vocab, (row + 1) * vocab);
        expect(Math.abs(slopes.reduce((a, b) => a + b, 0))).toBeLessThan(1e-14);
        if (target < 0) expect([nll[row], ...slopes]).toEqual([0, ...slopes.map(() => 0)]);
      }
    },
  );

  test.prop([fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 }), seeds])(
    'is the loss that inference measures tile by tile',
    (vocab, width, seed) => {
      const rows = 3;
      const [x, head] = [normals(seed, rows * width), normals(seed + 1, vocab * width)];
      const targets = Int32Array.from({ length: rows }, (_, row) => row % vocab);
      const sums = startNll(rows);
      foldNllTile(sums, x, head, null, 0, targets, rows, width, vocab);
      const expected = new Float32Array(rows);
      finishNll(expected, sums, rows);
      const logits = Float64Array.from({ length: rows * vocab }, (_, at) => {
        const [row, id] = [Math.floor(at / vocab), at % vocab];
        return Array.from({ length: width }, (__, i) => x[row * width + i] * head[id * width + i]).reduce(
          (a, b) => a + b,
          0,
        );
      });
      const [nll] = run(logits, targets, 1, vocab);
      for (const [row, value] of nll.entries()) expect(value).toBeCloseTo(expected[row], 5);
    },
  );

  test.prop([seeds, fc.constantFrom(1e4, -1e4)])('does not overflow, however large the logits are', (seed, offset) => {
    const logits = doubles(seed, 8).map((value) => value + offset);
    const [nll, dLogits] = run(logits, Int32Array.of(1, 3), 1, 4);
    expect([...nll, ...dLogits].every(Number.isFinite)).toBe(true);
  });
});
