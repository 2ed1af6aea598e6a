import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { lossAndGradients } from '../../src/autodiff/gradients.ts';
import { parameterSource } from '../../src/autodiff/parameters.ts';
import { someFamily, someMask } from '../model/modelArbitraries.ts';
import { seeds } from '../arbitraries.ts';
import { lossRows, tinyBatch, tinyTrainee } from './tinyTrainee.ts';

describe('the training forward pass', () => {
  test.prop([someFamily, seeds, someMask(2), fc.boolean()], { numRuns: 20 })(
    'has the losses that inference measures on the same parameters',
    async (family, seed, mask, tied) => {
      const trainee = tinyTrainee({ family, seed, mask, config: { tie_word_embeddings: tied } });
      const { inputs, seqLen } = tinyBatch(seed, 3, 7);
      const targets = inputs.map((_, row) => ((row + 1) % seqLen === 0 ? -1 : inputs[row + 1]));
      const backend = referenceBackend();
      const found = await lossRows(backend, trainee, { inputs, targets, seqLen });
      const model = await Transformer.load(
        parameterSource('trainee', trainee.config, trainee.parameters),
        backend,
        2 ** 24,
      );
      const ids = [0, 1, 2].map((sequence) => inputs.slice(sequence * seqLen, (sequence + 1) * seqLen));
      for (const [sequence, wanted] of (await model.nll(ids, mask)).entries()) {
        for (const [t, nll] of wanted.entries()) expect(found[sequence * seqLen + t]).toBeCloseTo(nll, 4);
        expect(found[(sequence + 1) * seqLen - 1]).toBe(0);
      }
    },
  );

  test.prop([seeds, fc.integer({ min: 2, max: 4 })], { numRuns: 10 })(
    'gives the same loss and gradients in parts as at once',
    async (seed, count) => {
      const trainee = tinyTrainee({ layers: 1 });
      // Parts of unlike numbers of targets: each target counts the same, not each part.
      const parts = Array.from({ length: count }, (_, part) => {
        const batch = tinyBatch(seed + part, 1 + part);
        return part === 0 ? { ...batch, targets: batch.targets.map((id, row) => (row === 0 ? id : -1)) } : batch;
      });
      const joined = (key: 'inputs' | 'targets'): Int32Array =>
        Int32Array.from(parts.flatMap((part) => [...part[key]]));
      const whole = { inputs: joined('inputs'), targets: joined('targets'), seqLen: parts[0].seqLen };
      const backend = referenceBackend();
      const [split, once] = [
        await lossAndGradients(backend, trainee, parts),
        await lossAndGradients(backend, trainee, [whole]),
      ];
      expect(split.targets).toBe(once.targets);
      expect(split.loss).toBeCloseTo(once.loss, 6);
      expect([...split.gradients.keys()]).toEqual([...trainee.parameters.keys()]);
      for (const [name, gradient] of split.gradients) {
        const wanted = once.gradients.get(name) ?? [];
        for (const [i, value] of gradient.entries()) expect(Math.abs(value - wanted[i])).toBeLessThan(1e-6);
      }
      expect(backend.bytesInUse()).toBe(0);
    },
  );

  it('refuses sequences longer than the context', async () => {
    await expect(lossRows(referenceBackend(), tinyTrainee(), tinyBatch(1, 1, 65))).rejects.toThrow(
      /65 tokens exceed the model's 64/,
    );
  });
});
