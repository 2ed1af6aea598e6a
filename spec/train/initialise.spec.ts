import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { parseHfConfig } from '../../src/formats/huggingface/config.ts';
import { expectedTensors } from '../../src/formats/huggingface/tensorShapes.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { initialParameters } from '../../src/train/initialise.ts';
import { seeds } from '../arbitraries.ts';
import { someFamily } from '../model/modelArbitraries.ts';
import { tinyConfig } from '../model/tinyTransformer.ts';

describe('initialParameters', () => {
  test.prop([someFamily, seeds], { numRuns: 20 })(
    'have gains 1, biases 0 and matrices of the spread that was asked for, smaller where they write to the stream',
    (family, seed) => {
      const { config } = parseHfConfig({ ...tinyConfig(family, 2), hidden_size: 48, n_embd: 48 }, 'config');
      const shapes = new Map([...expectedTensors(config)].map(([name, { shape }]) => [name, shape] as const));
      const parameters = initialParameters(config, shapes, seededRng(seed));
      expect([...parameters.keys()]).toEqual([...shapes.keys()]);
      // 0.02 · √(768 / 48) = 0.08, and half of it after four blocks.
      for (const [name, { data }] of parameters) {
        if (name.endsWith('.bias')) expect(new Set(data)).toEqual(new Set([0]));
        else if ((shapes.get(name) ?? []).length === 1) expect(new Set(data)).toEqual(new Set([1]));
        else {
          const deviation = Math.hypot(...data) / Math.sqrt(data.length);
          const wanted = /o_proj|down_proj|c_proj/.test(name) ? 0.04 : 0.08;
          // Seven standard errors: beyond five lies one matrix in two million, and each run of this
          // spec draws hundreds.
          expect(Math.abs(deviation / wanted - 1)).toBeLessThan(7 / Math.sqrt(2 * data.length));
        }
      }
      // A tensor's values depend on its name alone.
      const [last] = [...shapes].slice(-1);
      expect(initialParameters(config, new Map([last]), seededRng(seed)).get(last[0])).toEqual(parameters.get(last[0]));
    },
  );
});
