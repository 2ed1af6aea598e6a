import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { seededRng } from '../../src/tensor/rng.ts';
import { countTargets } from '../../src/autodiff/batch.ts';
import { windowBatches } from '../../src/train/batch.ts';
import { seeds } from '../arbitraries.ts';

describe('windowBatches', () => {
  test.prop([
    seeds,
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 20 }),
    fc.nat(99),
  ])('draws windows of the stream, each target the token after its input', (seed, sequences, seqLen, more, step) => {
    // A stream in which every token tells where it is.
    const stream = Int32Array.from({ length: seqLen + more }, (_, at) => at);
    const { inputs, targets } = windowBatches(stream, sequences, seqLen, seededRng(seed))(step, 0);
    expect(inputs).toHaveLength(sequences * seqLen);
    for (const [row, id] of inputs.entries()) {
      expect(targets[row]).toBe(id + 1);
      expect(id + 1).toBeLessThan(stream.length);
      if (row % seqLen > 0) expect(id).toBe(inputs[row - 1] + 1);
    }
  });

  test.prop([seeds, fc.nat(50)])(
    'gives the same batch for the same step, whatever was drawn before; other parts differ',
    (seed, step) => {
      const stream = Int32Array.from({ length: 1000 }, (_, at) => at);
      const [draw, other] = [
        windowBatches(stream, 4, 8, seededRng(seed)),
        windowBatches(stream, 4, 8, seededRng(seed)),
      ];
      for (let before = 0; before < step; before++) other(before, 0);
      expect(other(step, 0)).toEqual(draw(step, 0));
      expect(draw(step, 1)).not.toEqual(draw(step, 0));
      expect(draw(step + 1, 0)).not.toEqual(draw(step, 0));
    },
  );

  it('reaches the first and the last token of the stream', () => {
    const stream = Int32Array.from({ length: 6 }, (_, at) => at);
    const seen = new Set<number>();
    const draw = windowBatches(stream, 8, 2, seededRng(1));
    for (let step = 0; step < 20; step++)
      for (const row of [...draw(step, 0).inputs, ...draw(step, 0).targets]) seen.add(row);
    expect([...seen].toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('needs a window and its last target', () => {
    expect(() => windowBatches(new Int32Array(8), 1, 8, seededRng(1))).toThrow(
      /8 tokens are fewer than a sequence of 8/,
    );
    expect(countTargets(windowBatches(new Int32Array(9), 1, 8, seededRng(1))(0, 0))).toBe(8);
  });
});
