import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/formats/openModel.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { hasShared, sharedPath } from '../shared.ts';
import { goldenNames, goldenOf, goldenSuite } from './goldenModel.ts';

describe.skipIf(!hasShared)('GGUF models against Hugging Face (skipped without the golden data)', () => {
  const names = goldenNames('gguf', '.gguf');
  it('are five twins of the safetensors models', () => expect(names).toHaveLength(5));
  it.each(names)('%s has as many parameters: a head that repeats the embedding is tied', async (name) => {
    const { weights, close } = await openModel(sharedPath('golden', 'gguf', `${name}.gguf`));
    expect(countParameters(weights).total).toBe(goldenOf(name).params);
    await close();
  });
  goldenSuite(names.map((name) => ({ name, path: sharedPath('golden', 'gguf', `${name}.gguf`) })));
});
