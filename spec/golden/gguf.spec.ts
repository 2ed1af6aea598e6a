import { describe, expect, it } from 'vitest';
import { hasShared, sharedPath } from '../shared.ts';
import { goldenNames, goldenSuite } from './goldenModel.ts';

describe.skipIf(!hasShared)('GGUF models against Hugging Face (skipped without the golden data)', () => {
  const names = goldenNames('gguf', '.gguf');
  it('are five twins of the safetensors models', () => expect(names).toHaveLength(5));
  goldenSuite(names.map((name) => ({ name, path: sharedPath('golden', 'gguf', `${name}.gguf`) })));
});
