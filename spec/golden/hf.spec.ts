import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/formats/openModel.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { hasShared, sharedPath } from '../shared.ts';
import { goldenNames, goldenOf, goldenSuite } from './goldenModel.ts';

describe.skipIf(!hasShared)('safetensors models against Hugging Face (skipped without the golden data)', () => {
  const names = goldenNames('hf', '');
  it('are of five families, nine in all', () => expect(names).toHaveLength(9));
  it.each(names)('%s has as many parameters', async (name) => {
    const { weights, close } = await openModel(sharedPath('golden', 'hf', name));
    expect(countParameters(weights).total).toBe(goldenOf(name).params);
    await close();
  });
  goldenSuite(names.map((name) => ({ name, path: sharedPath('golden', 'hf', name) })));
});
