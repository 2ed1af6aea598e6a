/** A silenced block adds nothing: with it and without it, the model is the same. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { edited } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { silenceEdits, silencedTensors } from '../../src/model/silence.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import { seeds } from '../arbitraries.ts';
import { someFamily } from './modelArbitraries.ts';
import { tinySource } from './tinyTransformer.ts';

describe('silenced blocks', () => {
  test.prop([someFamily, seeds, fc.array(fc.nat(), { maxLength: 4 })], { numRuns: 30 })(
    'score as under a mask, to the bit, and nothing else changes',
    async (family, seed, some) => {
      const source = await tinySource({ family, seed, layers: 3 });
      const walk = walkOf(source.config);
      const mask = Mask.of([...new Set(some.map((at) => at % walk.length))].map((at) => walk[at]));
      const silent = edited(source, silenceEdits(source, mask));
      const ids = [Int32Array.of(1, 5, 2, 7, 3)];
      const nll = async (weights: typeof source, without: Mask): Promise<number[]> => {
        const model = await Transformer.load(weights, referenceBackend(), 2 ** 24);
        const [rows] = await model.nll(ids, without);
        model.free();
        return [...rows];
      };
      expect(await nll(silent, Mask.empty)).toEqual(await nll(source, mask));
      expect(await nll(silent, mask)).toEqual(await nll(source, mask));
      const changed = new Set(silencedTensors(source, mask));
      for (const name of source.tensors.keys()) {
        const values = await silent.tensor(name);
        if (changed.has(name)) expect(values.every((value) => value === 0)).toBe(true);
        else expect(values).toEqual(await source.tensor(name));
      }
    },
  );
});
