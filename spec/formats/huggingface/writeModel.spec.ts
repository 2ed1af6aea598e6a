import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { openHfFolder } from '../../../src/formats/huggingface/weightSource.ts';
import { writeModelTensors } from '../../../src/formats/huggingface/writeModel.ts';
import type { WeightSource } from '../../../src/model/weights.ts';
import { seeds } from '../../arbitraries.ts';
import { someFamily } from '../../model/modelArbitraries.ts';
import { tinyConfig, tinySource } from '../../model/tinyTransformer.ts';
import { jsonBytes, memoryFolder } from './tinyModel.ts';

async function tensorsOf(source: WeightSource): Promise<Map<string, Float32Array>> {
  const tensors = new Map<string, Float32Array>();
  for (const name of source.tensors.keys()) tensors.set(name, await source.tensor(name));
  return tensors;
}

describe('writeModelTensors', () => {
  test.prop([someFamily, seeds], { numRuns: 20 })(
    'writes what is read back, bit for bit, in every family',
    async (family, seed) => {
      const source = await tinySource({ family, seed, layers: 1 });
      const tensors = await tensorsOf(source);
      const files = new Map([
        ['config.json', jsonBytes(tinyConfig(family, 1))],
        ['model.safetensors', writeModelTensors(source.config, tensors, 'F32')],
      ]);
      const { weights, warnings } = await openHfFolder(memoryFolder(files));
      expect(warnings).toEqual([]);
      expect(await tensorsOf(weights)).toEqual(tensors);
    },
  );

  it('names a tensor that is not there', async () => {
    const { config } = await tinySource();
    expect(() => writeModelTensors(config, new Map(), 'F16')).toThrow(/no tensor 'model\.embed_tokens\.weight'/);
  });
});
