import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import type { FamilyName } from '../../src/model/config.ts';
import { Mask } from '../../src/model/mask.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { healedParameters, healingTrainee } from '../../src/train/heal.ts';
import { adapterNames, mergeAdapters, withAdapters } from '../../src/autodiff/lora.ts';
import type { Trainee } from '../../src/autodiff/trainee.ts';
import { someFamily, someMask } from '../model/modelArbitraries.ts';
import { seeds } from '../arbitraries.ts';
import { lossRows, tinyBatch, tinyTrainee } from './tinyTrainee.ts';

const backend = referenceBackend();
const lora = { rank: 2, alpha: 5 };

/** A pruned model with adapters that do something. */
function adapted(options: { family: FamilyName; seed: number; mask: Mask }): { plain: Trainee; trainee: Trainee } {
  const plain = tinyTrainee(options);
  const trainee = healingTrainee(plain.config, plain.parameters, options.mask, lora, seededRng(options.seed));
  const rng = seededRng(options.seed + 1);
  for (const name of trainee.trained) {
    const { data } = trainee.parameters.get(name) ?? { data: [] };
    for (let i = 0; i < data.length; i++) data[i] = 0.2 * rng.normal();
  }
  return { plain, trainee };
}

describe('adapters', () => {
  test.prop([someFamily, seeds, someMask(2)], { numRuns: 20 })(
    'begin as nothing: the same losses, bit for bit',
    async (family, seed, mask) => {
      const plain = tinyTrainee({ family, seed, mask });
      const fresh = healingTrainee(plain.config, plain.parameters, mask, lora, seededRng(seed));
      const batch = tinyBatch(seed);
      expect(await lossRows(backend, fresh, batch)).toEqual(await lossRows(backend, plain, batch));
      expect(fresh.trained.size).toBe([...fresh.parameters.keys()].filter((name) => name.includes('lora')).length);
    },
  );

  test.prop([someFamily, seeds, someMask(2)], { numRuns: 20 })(
    'merged compute what they computed beside the weights, and healed so without the mask',
    async (family, seed, mask) => {
      const { plain, trainee } = adapted({ family, seed, mask });
      const batch = tinyBatch(seed);
      const wanted = await lossRows(backend, trainee, batch);
      const merged = { ...plain, parameters: mergeAdapters(trainee.parameters, lora) };
      expect([...merged.parameters.keys()]).toEqual([...plain.parameters.keys()]);
      const found = await lossRows(backend, merged, batch);
      for (const [row, value] of found.entries()) expect(value).toBeCloseTo(wanted[row], 4);
      // Removed blocks write zeros: no mask is needed, and none changes a bit.
      const healed = { ...plain, parameters: healedParameters(trainee) };
      expect(await lossRows(backend, { ...healed, mask: Mask.empty }, batch)).toEqual(found);
    },
  );

  test.prop([seeds, fc.integer({ min: 1, max: 4 })])(
    'merge as W + alpha / r · B A, and leave the weights they began from',
    (seed, rank) => {
      const weight = Float32Array.from([1, 2, 3, 4, 5, 6]);
      const all = withAdapters(
        new Map([['m.weight', { shape: [2, 3], data: weight }]]),
        ['m.weight'],
        { rank, alpha: 3 },
        seededRng(seed),
      );
      const { a, b } = adapterNames('m.weight');
      const [down, up] = [all.get(a)?.data ?? [], all.get(b)?.data ?? []];
      for (let i = 0; i < up.length; i++) up[i] = i + 1;
      const merged = mergeAdapters(all, { rank, alpha: 3 }).get('m.weight')?.data ?? [];
      for (let at = 0; at < 6; at++) {
        let sum = 0;
        for (let r = 0; r < rank; r++) sum += up[Math.floor(at / 3) * rank + r] * down[r * 3 + (at % 3)];
        expect(merged[at]).toBeCloseTo(at + 1 + (3 / rank) * sum, 5);
      }
      expect([...weight]).toEqual([1, 2, 3, 4, 5, 6]);
    },
  );

  it('need a rank', () => {
    expect(() => withAdapters(new Map(), [], { rank: 0, alpha: 1 }, seededRng(1))).toThrow(/rank 0/);
  });
});
